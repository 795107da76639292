import { mount } from 'svelte'
import '@fontsource-variable/inter'
import './theme.css'
import App from './ScratchPlots.svelte'
document.documentElement.dataset['theme'] = localStorage.getItem('heddle.theme') ?? 'light'
mount(App, { target: document.getElementById('app')! })
