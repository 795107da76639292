export { fileName } from '../../plots/save.ts'

/** Hands a file to the user. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // the download has its own hold on the data once it began
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
