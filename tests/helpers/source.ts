// Reads imports and string literals out of TypeScript and Svelte files, for the structure test.

import ts from 'typescript'

/** One import or re-export. `typeOnly` ones leave no trace at run time. */
export interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

/** The syntax tree of a file; of a Svelte file, that of its scripts. */
export function parse(path: string, text: string): ts.SourceFile {
  const scripts = [...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1])
  const code = path.endsWith('.svelte') ? scripts.join('\n') : text
  return ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)
}

/** All nodes of a tree, parents first. */
export function nodes(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [node]
  node.forEachChild((child) => {
    found.push(...nodes(child))
  })
  return found
}

/** Every import of a file: static, re-export, `import()`, `require()` and `import('...')` in types. */
export function importsOf(file: ts.SourceFile): Import[] {
  return nodes(file).flatMap((node): Import[] => {
    if (ts.isImportDeclaration(node))
      return named(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    if (ts.isExportDeclaration(node)) return named(node.moduleSpecifier, node.isTypeOnly)
    if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? named(node.argument.literal, true) : []
    if (!ts.isCallExpression(node)) return []
    const { expression } = node
    const loads = expression.kind === ts.SyntaxKind.ImportKeyword || expression.getText() === 'require'
    return loads ? named(node.arguments[0], false) : []
  })
}

function named(node: ts.Node | undefined, typeOnly: boolean): Import[] {
  return node !== undefined && ts.isStringLiteralLike(node) ? [{ specifier: node.text, typeOnly }] : []
}

/** The string literals of a file with their lines. */
export function literalsOf(file: ts.SourceFile): { readonly text: string; readonly line: number }[] {
  return nodes(file)
    .filter((node) => ts.isStringLiteralLike(node))
    .map((node) => ({ text: node.text, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 }))
}
