// What the attention kernels share: which keys a query sees, which tiles a block takes. The bodies name what attention.ts
// defines before them: the shape T H G K, WINDOW, META, SCALE, LOG_SCALE = SCALE log2(e), and the tiles GROUPS, TILE, STAGES,
// TOGETHER.

/** Which keys a query sees, and whether a tile of queries sees every key of a tile of keys. */
export const VISIBLE = `
const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, together = __shfl_sync(0xffffffffu, warp / 4, 0);
const float infinity = __int_as_float(0x7f800000);
const auto visible = [&](int query, int key) { return (key <= query) & ((WINDOW == 0) | (query - key < WINDOW) | (key < META)); };
const auto whole = [&](int query, int queries, int key, int keys) {
  return (key + keys - 1 <= query) & ((WINDOW == 0) | (query + queries - 1 - key < WINDOW) | (key + keys <= META));
};
`

/**
 * Blocks take the tiles of TOGETHER heads at a time, so that what they read again is still in the cache, and the longest of
 * them first.
 */
export const PLACE = `
const int tilesOfHeads = (T + GROUPS * 64 - 1) / (GROUPS * 64), slice = TOGETHER * tilesOfHeads;
const int firstHead = blockIdx.x / slice * TOGETHER, inSlice = blockIdx.x % slice;
const int headsOfSlice = min(TOGETHER, (int)gridDim.x / tilesOfHeads - firstHead);
const int head = firstHead + inSlice % headsOfSlice, longest = inSlice / headsOfSlice;
`

/** A block has the queries of one head from row0 on, and goes through the tiles of keys that they see. */
export const QUERY_TILES = `
constexpr int THREADS = GROUPS * 128, ROWS = GROUPS * 64, STEPS = K / 16;
typedef Tile<ROWS, K> Queries;
typedef Tile<TILE, K> Keys;
const int row0 = (tilesOfHeads - 1 - longest) * ROWS, b = head / H, h = head % H, g = h / (H / G);
const unsigned long long queryStart = ((unsigned long long)(b * T + row0) * H + h) * K;
const bf16 *keyStart = k + ((unsigned long long)b * T * G + g) * K, *valueStart = v + ((unsigned long long)b * T * G + g) * K;
const int last = min(row0 + ROWS, T) - 1;
const int firstTile = WINDOW == 0 ? 0 : max(0, row0 - WINDOW + 1) / TILE;
const int metaTiles = WINDOW == 0 ? 0 : min((META + TILE - 1) / TILE, firstTile);
const int tiles = metaTiles + last / TILE - firstTile + 1;
const auto keyOf = [&](int tile) { return (tile < metaTiles ? tile : firstTile + tile - metaTiles) * TILE; };
const auto copyKeys = [&](unsigned to, const bf16 *from, int tile) {
  const int key = keyOf(tile);
  copy_tile<Keys, THREADS>(to, from + (unsigned long long)key * G * K, G * K, T - key);
};
const int warpRow = row0 + warp * 16, row = warpRow + lane / 4;
// tiles after these are hidden from the four warps that work together
const int mine = tiles - last / TILE + min(row0 + together * 64 + 63, last) / TILE;
`
