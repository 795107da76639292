/** Whether a field of a form holds a text that breaks its rule; the first one is focused then. */
export function hasInvalid(form: HTMLFormElement): boolean {
  const field = form.querySelector<HTMLElement>('[aria-invalid="true"]')
  field?.focus()
  return field !== null
}
