// Files that the browser saves.

export function saveCsv(text: string, name: string): void {
  download(new Blob([text], { type: 'text/csv' }), `${fileName(name)}.csv`)
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // the download has its own hold on the data once it began
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** Lower-case words joined by hyphens: right on every file system. */
export function fileName(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 80) || 'figure'
  )
}
