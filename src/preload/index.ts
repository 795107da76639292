// The bridge of the desktop window: text frames, nothing else (see renderer/carrier.ts).

import { contextBridge, ipcRenderer } from 'electron'

let hear: (frame: string) => void = () => {}
ipcRenderer.on('heddle.frame', (_, frame: string) => hear(frame))

contextBridge.exposeInMainWorld('heddle', {
  /** Opens a session, in place of an earlier one. */
  open(listener: (frame: string) => void) {
    hear = listener
    ipcRenderer.send('heddle.open')
  },
  send(frame: string) {
    ipcRenderer.send('heddle.send', frame)
  },
})
