import { mount } from 'svelte'
import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import './theme.css'
import App from './App.svelte'

mount(App, { target: document.getElementById('app')! })
