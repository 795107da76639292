// Rows to Parquet, one row group for each batch, so that a table of any size passes through.

import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { SchemaElement } from 'hyparquet'
import type { Column } from './columns.ts'
import type { Columns } from './table.ts'

type Row = Readonly<Record<string, unknown>>

/** Takes batches of decoded rows and hands the bytes of the file on. */
export interface ParquetSink {
  write(rows: readonly Row[]): Promise<void>
  finish(): Promise<void>
}

/** A Parquet file with the given columns; `send` receives its bytes in order. */
export function parquetSink(columns: Columns, send: (bytes: Uint8Array) => Promise<void>): ParquetSink {
  const buffer = new ByteWriter()
  const drain = async (): Promise<void> => {
    const bytes = buffer.getBytes().slice()
    buffer.index = 0
    await send(bytes)
  }
  const writer = new ParquetWriter({
    writer: Object.assign(buffer, { flush: drain, finish: drain }),
    schema: schemaOf(columns),
  })
  return {
    write: async (rows) => {
      const columnData = Object.entries(columns).map(([name, column]) => ({
        name,
        data: rows.map((row) => valueOf(column, row[name])),
      }))
      await writer.write({ columnData, rowGroupSize: rows.length })
    },
    finish: async () => {
      await writer.finish()
    },
  }
}

function valueOf(column: Column, value: unknown): unknown {
  if (value === null) return null
  if (column.kind === 'integer') return BigInt(value as number)
  return column.kind === 'floats' ? Array.from(value as Float64Array) : value
}

function schemaOf(columns: Columns): SchemaElement[] {
  const entries = Object.entries(columns)
  return [
    { name: 'root', num_children: entries.length },
    ...entries.flatMap(([name, column]) => elementsOf(name, column)),
  ]
}

function elementsOf(name: string, column: Column): SchemaElement[] {
  const repetition_type = column.nullable ? 'OPTIONAL' : 'REQUIRED'
  switch (column.kind) {
    case 'integer':
      return [{ name, type: 'INT64', repetition_type }]
    case 'real':
      return [{ name, type: 'DOUBLE', repetition_type }]
    case 'text':
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }]
    case 'json':
      return [{ name, type: 'BYTE_ARRAY', converted_type: 'JSON', repetition_type }]
    case 'floats':
      return [
        { name, converted_type: 'LIST', repetition_type, num_children: 1 },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      ]
  }
}
