// The design on the canvas: a draft that may break rules of its blocks, what it costs, what is selected, and its past.

import { errorRecord, HeddleError } from '#core/errors.ts'
import type { ErrorRecord } from '#core/errors.ts'
import { isGroup, MODEL_PARAMS, resolveSpec, SPEC_VERSION } from '#core/model/spec.ts'
import type { ArchSpec, ModelSettings, ResolvedSpec, StackItem } from '#core/model/spec.ts'
import { parseSpecText, printSpecText } from '#core/model/text.ts'
import { defaultOf } from '#core/params.ts'
import type { ParamValue } from '#core/params.ts'
import { costsOf } from '../canvas/numbers/costs.ts'
import { cellWeights, itemNumbers } from '../canvas/numbers/items.ts'
import type { Weight } from '../canvas/numbers/items.ts'
import { latencyOf } from '../canvas/numbers/latency.ts'
import type { LatencyTable } from '../canvas/numbers/latency.ts'
import { checkDraft, findFaults, withoutFaults } from '../canvas/tree/check.ts'
import * as edit from '../canvas/tree/edit.ts'
import type { Edited } from '../canvas/tree/edit.ts'
import { idOf, inherit } from '../canvas/tree/identity.ts'
import { itemAt, walk } from '../canvas/tree/path.ts'
import type { Path } from '../canvas/tree/path.ts'
import { History } from './history.ts'

interface Snapshot {
  readonly draft: ArchSpec
  readonly selection: readonly Path[]
}

/** A stack without blocks. */
export const EMPTY_SPEC: ArchSpec = { heddle: SPEC_VERSION, model: {}, blocks: [] }

export class SpecState {
  /** Sound in its structure; single parameters may break rules. */
  draft = $state.raw<ArchSpec>(EMPTY_SPEC)
  selection = $state.raw<readonly Path[]>([])
  /** The item that the keyboard is at. */
  active = $state.raw<Path | undefined>()
  /** Groups that are drawn as one row, by `idOf`. */
  collapsed = $state.raw<ReadonlySet<number>>(new Set())
  /** Text tokens that states, FLOPs and latencies are counted at. */
  context = $state(4096)
  weight = $state<Weight>('kind')
  table = $state.raw<LatencyTable | undefined>()
  /** Why the last edit was refused; gone with the next one. */
  refusal = $state.raw<ErrorRecord | undefined>()
  undoLabel = $state<string | undefined>()
  redoLabel = $state<string | undefined>()
  #saved = $state.raw<ArchSpec>(EMPTY_SPEC)
  #history = new History<Snapshot>()
  #lastResolved: ResolvedSpec = resolveSpec(EMPTY_SPEC)

  readonly faults = $derived(findFaults(this.draft))
  readonly isValid = $derived(this.faults.model === undefined && this.faults.blocks.size === 0)
  /** The draft without its faulty blocks, or what it was before its settings broke. */
  readonly resolved: ResolvedSpec = $derived.by(() => {
    if (this.faults.model !== undefined) return this.#lastResolved
    this.#lastResolved = resolveSpec(withoutFaults(this.draft, this.faults))
    return this.#lastResolved
  })
  readonly costs = $derived(costsOf(this.resolved, this.context))
  readonly latency = $derived(this.table === undefined ? undefined : latencyOf(this.resolved, this.table))
  /** By `pathKey`. */
  readonly numbers = $derived(itemNumbers(this.draft, this.resolved, this.costs, this.latency))
  readonly cells = $derived(cellWeights(this.costs, this.latency, this.weight))
  readonly text = $derived(printSpecText(this.draft))
  readonly dirty = $derived(this.draft !== this.#saved)

  /** Settings of the model with their defaults. */
  get settings(): ModelSettings {
    return this.resolved.settings
  }

  get selectedItems(): StackItem[] {
    return this.selection.flatMap((path) => itemAt(this.draft.blocks, path) ?? [])
  }

  /** Takes another stack in: an edit like any other, so that it can be undone. */
  replace(spec: ArchSpec, label = 'replace the stack'): void {
    this.#apply({ draft: spec, selection: [] }, label)
  }

  /** Opens a stack as it is stored, without a past. */
  open(spec: ArchSpec): void {
    this.#history.clear()
    this.#show({ draft: spec, selection: [] })
    this.collapsed = new Set()
    this.#saved = spec
    this.#labels()
  }

  /** Changes the blocks. */
  edit(
    label: string,
    change: (items: readonly StackItem[], selection: readonly Path[]) => Edited,
    mergeKey?: string,
  ): void {
    const { items, selection } = change(this.draft.blocks, this.selection)
    if (items === this.draft.blocks) {
      this.select(selection)
      return
    }
    this.#apply({ draft: { ...this.draft, blocks: items }, selection }, label, mergeKey)
  }

  /** Changes a setting of the model; `undefined` takes it back to its default. */
  setModel(name: string, value: ParamValue | undefined): void {
    const { [name as keyof ModelSettings]: _, ...others } = this.draft.model
    const schema = MODEL_PARAMS[name as keyof ModelSettings]
    const isDefault = value === undefined || value === defaultOf(schema, { dModel: 0 })
    const model = isDefault ? others : { ...this.draft.model, [name]: value }
    this.#apply({ draft: { ...this.draft, model }, selection: this.selection }, `change ${name}`, `model ${name}`)
  }

  /** Names the stack. */
  setName(name: string): void {
    const { name: _, ...rest } = this.draft
    const draft = name === '' ? rest : { ...rest, name }
    this.#apply({ draft, selection: this.selection }, 'rename', 'name')
  }

  /** Gives the selected blocks a value of a parameter. */
  setParam(name: string, value: ParamValue | undefined): void {
    const key = `param ${name} ${JSON.stringify(this.selection)}`
    this.edit(
      `change ${name}`,
      (items, selection) => ({ items: edit.setParam(items, selection, name, value), selection }),
      key,
    )
  }

  /**
   * Takes the text form in.
   * @throws HeddleError of a text that cannot be read; the stack stays as it was then
   */
  setText(text: string): void {
    const spec = parseSpecText(text)
    if (printSpecText(spec) === this.text) return
    inherit(this.draft.blocks, spec.blocks)
    this.#apply({ draft: spec, selection: edit.existing(spec.blocks, this.selection) }, 'edit the text', 'text')
  }

  select(paths: readonly Path[], active: Path | undefined = paths.at(-1)): void {
    this.selection = edit.existing(this.draft.blocks, paths)
    this.active = active
  }

  /** Draws groups as one row, or opens them. */
  collapse(paths: readonly Path[], collapse: boolean): void {
    const next = new Set(this.collapsed)
    for (const path of paths) {
      const item = itemAt(this.draft.blocks, path)
      if (item === undefined || !isGroup(item)) continue
      if (collapse) next.add(idOf(item))
      else next.delete(idOf(item))
    }
    this.collapsed = next
  }

  /** Every group of the stack. */
  groups(): Path[] {
    return [...walk(this.draft.blocks)].flatMap(({ item, path }) => (isGroup(item) ? [path] : []))
  }

  undo(): void {
    const found = this.#history.undo(this.#snapshot())
    if (found !== undefined) this.#show(found)
    this.#labels()
  }

  redo(): void {
    const found = this.#history.redo(this.#snapshot())
    if (found !== undefined) this.#show(found)
    this.#labels()
  }

  /** Stores the draft; what was edited meanwhile stays unsaved. */
  async save(store: (spec: ArchSpec) => Promise<unknown>): Promise<void> {
    const { draft } = this
    await store(draft)
    this.#saved = draft
  }

  #snapshot = (): Snapshot => ({ draft: this.draft, selection: this.selection })

  #apply(next: Snapshot, label: string, mergeKey?: string): void {
    try {
      checkDraft(next.draft)
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error
      this.refusal = errorRecord(error)
      return
    }
    this.#history.record(this.#snapshot(), label, mergeKey, performance.now())
    this.#show(next)
    this.#labels()
  }

  #show({ draft, selection }: Snapshot): void {
    this.draft = draft
    this.refusal = undefined
    this.select(selection)
  }

  #labels(): void {
    this.undoLabel = this.#history.undoLabel
    this.redoLabel = this.#history.redoLabel
  }
}

/** The design that is worked on: it stays while other places are visited. */
export const design = new SpecState()
