import { mount } from 'svelte'
import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import './theme.css'
import Scratch from './ScratchUikit.svelte'
document.documentElement.dataset['theme'] = new URLSearchParams(location.search).get('theme') ?? 'light'
mount(Scratch, { target: document.getElementById('app')! })
