// What Adafactor knows of a parameter and how it cuts it into tiles.

#include "adafactor-step.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / WARP;
// Columns of a tile: a warp takes a row of it, a lane eight columns in each of GROUPS places.
constexpr int GROUPS = 4;
constexpr int TILE_COLUMNS = WARP * COLUMNS * GROUPS;
// Columns whose moments are one item: few, for whatever follows waits for the sums over all tiles of rows.
constexpr int MOMENT_COLUMNS = WARP * 4;
// Elements of a tile of an unfactored parameter.
constexpr int TILE_ELEMENTS = THREADS * COLUMNS * 4;

// One parameter as AdafactorPlan writes it. Where it is not factored, row_moments has one entry an element.
struct Slot {
    master_t* value;
    rest_t* rest;
    // Of the type that the kernel is for
    const void* gradient;
    float* row_moments;
    float* column_moments;
    // Sums of squared gradients: [rows, chunks of columns] and [tiles of rows, columns]
    float* row_squares;
    float* column_squares;
    // 1 / sqrt(moment), of rows relative to their mean
    float* row_factors;
    float* column_factors;
    // Sums of squares of each tile's updates
    float* update_squares;
    long long elements;
    int rows;
    int columns;
    int tile_rows;
    int row_tiles;
    int chunks;
    int tiles;
    int moment_items;
    // The slots, first and last, that used this one's scratch memory before; -1 for none
    int before_first;
    int before_last;
    // The number of its first tile among those of all slots
    int first_tile;
};

// Items of a slot that are done, by kind; kinds in the order of their dependence.
enum Kind { SQUARES, MOMENTS, UPDATES, APPLICATION, KINDS };

// The rows and columns of a tile. Rows are numbered over all matrices of the slot; a tile lies in one.
struct Tile {
    int matrix;
    int row_tile;
    int chunk;
    int first_row;
    int last_row;
    int first_column;
    int last_column;
};

__device__ __forceinline__ Tile tile_of(const Slot& slot, int index) {
    Tile tile;
    tile.chunk = index % slot.chunks;
    int row_tile = index / slot.chunks;
    tile.matrix = row_tile / slot.row_tiles;
    tile.row_tile = row_tile % slot.row_tiles;
    int first = tile.row_tile * slot.tile_rows;
    tile.first_row = tile.matrix * slot.rows + first;
    tile.last_row = tile.matrix * slot.rows + min(slot.rows, first + slot.tile_rows);
    tile.first_column = tile.chunk * TILE_COLUMNS;
    tile.last_column = min(slot.columns, tile.first_column + TILE_COLUMNS);
    return tile;
}

__device__ __forceinline__ int lane_column(const Tile& tile, int group) {
    return tile.first_column + (group * WARP + static_cast<int>(threadIdx.x % WARP)) * COLUMNS;
}
