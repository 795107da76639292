import { mount } from 'svelte'
import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import '@fontsource-variable/source-serif-4'
import './theme.css'
import App from './App.svelte'

mount(App, { target: document.getElementById('app')! })
