// 16-bit floats to 32 bits, where every value of either format is exact, and back.

/** Widens bfloat16 bits: the upper half of the bits of a f32. */
export function bf16ToF32(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length)
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16
  return new Float32Array(wide.buffer)
}

/** Rounds f32 to the nearest bfloat16, ties to even. */
export function f32ToBf16(data: Float32Array): Uint16Array {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length)
  const narrow = new Uint16Array(data.length)
  for (let i = 0; i < narrow.length; i++) {
    const x = bits[i]!
    narrow[i] = Number.isNaN(data[i]!) ? 0x7fff : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16
  }
  return narrow
}

/** Rounds f32 to the nearest IEEE 754 binary16, ties to even; from 65520 on it is infinite. */
export function f32ToF16(data: Float32Array): Uint16Array {
  const narrow = new Uint16Array(data.length)
  for (let i = 0; i < narrow.length; i++) {
    const x = data[i]!
    const size = Math.abs(x)
    const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
    if (Number.isNaN(x)) narrow[i] = 0x7fff
    else if (size >= 65520) narrow[i] = sign | 0x7c00
    else {
      const exponent = Math.max(Math.floor(Math.log2(size)), -14)
      // a fraction that rounds up to 2048 carries into the exponent
      const fraction = roundedToEven(size * 2 ** (10 - exponent))
      narrow[i] = sign | (fraction + ((exponent + 14) << 10))
    }
  }
  return narrow
}

function roundedToEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below
}

/** Widens IEEE 754 binary16 bits, subnormal numbers included. */
export function f16ToF32(bits: Uint16Array): Float32Array {
  const wide = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!
    const exponent = (half >> 10) & 31
    const fraction = half & 1023
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent < 31
          ? (1024 + fraction) * 2 ** (exponent - 25)
          : fraction === 0
            ? Infinity
            : NaN
    wide[i] = half & 0x8000 ? -magnitude : magnitude
  }
  return wide
}
