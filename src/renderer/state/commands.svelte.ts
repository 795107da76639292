// Commands of the view that is shown, for the palette.

export interface PaletteCommand {
  readonly id: string
  readonly title: string
  readonly group: string
  /** As in `Mod+Shift+G`. */
  readonly shortcut?: string | undefined
  run(): void
}

class ViewCommands {
  list = $state.raw<readonly PaletteCommand[]>([])

  /** Offers commands while a view is shown: `$effect(() => viewCommands.offer([...]))`. */
  offer(commands: readonly PaletteCommand[]): () => void {
    this.list = commands
    return () => {
      if (this.list === commands) this.list = []
    }
  }
}

export const viewCommands = new ViewCommands()
