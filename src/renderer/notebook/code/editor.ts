// Monaco as one field of TypeScript. Its workers and its types come with the program; nothing is fetched from elsewhere.

import * as monaco from 'monaco-editor/editor/editor.api'
// all of them: the services of those that come later with a language would be unknown
import 'monaco-editor/features/register.all'
import 'monaco-editor/languages/definitions/typescript/register'
import * as typescript from 'monaco-editor/languages/features/typescript/register'
import EditorWorker from 'monaco-editor/editor/editor.worker?worker'
import TypeScriptWorker from 'monaco-editor/languages/features/typescript/ts.worker?worker'
import { LIBRARY_TYPES, readLibraries } from './libraries.ts'

export interface CodeField {
  setValue(value: string): void
  setTheme(side: 'light' | 'dark'): void
  /** What the code can name beside the libraries. */
  setDeclarations(text: string): void
  /** Shows a problem at a line; none without. */
  mark(problem: { readonly line: number; readonly message: string } | undefined): void
  close(): void
}

interface FieldOptions {
  readonly value: string
  readonly oninput: (value: string) => void
  readonly onleave: () => void
}

const OWN = 'file:///cell.d.ts'
/** The code is the body of an async function: return and await may stand at the top. */
const ALLOWED = [1108, 1375, 1378, 2451]
const LINE = 18
const MOST_LINES = 40

let isReady = false

function prepare(): void {
  if (isReady) return
  isReady = true
  Object.assign(globalThis, {
    MonacoEnvironment: {
      getWorker: (_: string, label: string) => (label === 'typescript' ? new TypeScriptWorker() : new EditorWorker()),
    },
  })
  const { typescriptDefaults, ModuleKind, ModuleResolutionKind, ScriptTarget } = typescript
  typescriptDefaults.setCompilerOptions({
    target: ScriptTarget.ESNext,
    module: ModuleKind.ESNext,
    moduleResolution: ModuleResolutionKind.NodeJs,
    // no document: code draws with Plot and d3
    lib: ['esnext'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowNonTsExtensions: true,
  })
  typescriptDefaults.setDiagnosticsOptions({ diagnosticCodesToIgnore: ALLOWED })
  typescriptDefaults.setEagerModelSync(true)
  typescriptDefaults.addExtraLib(LIBRARY_TYPES, 'file:///libraries.d.ts')
  void readLibraries().then((files) => {
    for (const { path, text } of files) typescriptDefaults.addExtraLib(text, path)
  })
  const rules = [{ token: 'comment', fontStyle: 'italic' }]
  const colors = (ground: string, ink: string, line: string): Record<string, string> => ({
    'editor.background': ground,
    'editor.foreground': ink,
    'editorLineNumber.foreground': line,
    'editor.lineHighlightBackground': ground,
    'editorWidget.background': ground,
  })
  monaco.editor.defineTheme('heddle-light', {
    base: 'vs',
    inherit: true,
    rules,
    colors: colors('#ffffff', '#1b1f24', '#5f656c'),
  })
  monaco.editor.defineTheme('heddle-dark', {
    base: 'vs-dark',
    inherit: true,
    rules,
    colors: colors('#161b22', '#e8e6e1', '#a2a8b0'),
  })
}

/** Opens a field in an element; its height follows its text. */
export function openField(element: HTMLElement, { value, oninput, onleave }: FieldOptions): CodeField {
  prepare()
  const model = monaco.editor.createModel(value, 'typescript', monaco.Uri.parse('file:///cell.ts'))
  model.updateOptions({ tabSize: 2, insertSpaces: true })
  const editor = monaco.editor.create(element, {
    model,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
    fontLigatures: false,
    fontSize: 12,
    lineHeight: LINE,
    minimap: { enabled: false },
    scrollBeyondLastLine: false,
    lineNumbersMinChars: 3,
    folding: false,
    renderLineHighlight: 'none',
    overviewRulerLanes: 0,
    padding: { top: 6, bottom: 6 },
    scrollbar: { alwaysConsumeMouseWheel: false },
    // lists may be wider than the cell
    fixedOverflowWidgets: true,
    automaticLayout: true,
    contextmenu: false,
    // dimmed text would be hard to read
    showUnused: false,
    ariaLabel: 'TypeScript of the cell',
  })
  const fit = (): void => {
    element.style.height = `${Math.min(MOST_LINES * LINE, editor.getContentHeight())}px`
    editor.layout()
  }
  let declarations: { dispose(): void } | undefined
  let isSetting = false
  const listeners = [
    editor.onDidContentSizeChange(fit),
    model.onDidChangeContent(() => {
      if (!isSetting) oninput(model.getValue())
    }),
  ]
  editor.addCommand(
    monaco.KeyCode.Escape,
    onleave,
    '!suggestWidgetVisible && !findWidgetVisible && !parameterHintsVisible',
  )
  editor.addCommand(monaco.KeyMod.Alt | monaco.KeyMod.Shift | monaco.KeyCode.KeyF, () => {
    void editor.getAction('editor.action.formatDocument')?.run()
  })
  // these run the cell: the page hears them
  for (const key of [monaco.KeyMod.Shift, monaco.KeyMod.CtrlCmd, monaco.KeyMod.Alt])
    monaco.editor.addKeybindingRule({ keybinding: key | monaco.KeyCode.Enter, command: null })
  fit()
  editor.focus()
  return {
    setValue(next) {
      // the document keeps text without the blanks at its end
      if (model.getValue().replace(/\s+$/, '') === next.replace(/\s+$/, '')) return
      isSetting = true
      model.setValue(next)
      isSetting = false
    },
    setTheme: (side) => monaco.editor.setTheme(`heddle-${side}`),
    setDeclarations(text) {
      declarations?.dispose()
      declarations = typescript.typescriptDefaults.addExtraLib(text, OWN)
    },
    mark(problem) {
      const markers = problem === undefined ? [] : [markerOf(model, problem)]
      monaco.editor.setModelMarkers(model, 'run', markers)
    },
    close() {
      for (const listener of listeners) listener.dispose()
      declarations?.dispose()
      editor.dispose()
      model.dispose()
    },
  }
}

function markerOf(
  model: monaco.editor.ITextModel,
  { line, message }: { readonly line: number; readonly message: string },
): monaco.editor.IMarkerData {
  const at = Math.min(Math.max(1, line), model.getLineCount())
  return {
    severity: monaco.MarkerSeverity.Error,
    message,
    startLineNumber: at,
    startColumn: 1,
    endLineNumber: at,
    endColumn: model.getLineMaxColumn(at),
  }
}
