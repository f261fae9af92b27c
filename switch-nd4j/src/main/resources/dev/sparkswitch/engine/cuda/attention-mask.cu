// The mask of kept probabilities of an attention, a bit each, before its forward pass: drawn by themselves, random numbers fill
// the multiprocessors, where beside products they would wait for registers.

#include "attention-drawing.cuh"

// mask [lines, words of 32 keys]; a line is a query of a row and head. Bits beyond the last key are 0.
extern "C" __global__ void __launch_bounds__(256) attention_mask(
    unsigned* mask, unsigned lines, unsigned line_words, int keys, Dropout dropout) {
    unsigned word = blockIdx.x * blockDim.x + threadIdx.x;
    unsigned line = word / line_words;
    int key = static_cast<int>(word % line_words) * 32;
    if (line >= lines) {
        return;
    }
    // Rows that are whole blocks of random numbers need one for eight elements, others two.
    bool aligned = keys % 8 == 0;
    unsigned long long first = dropout.element(0, line, keys) + key;
    unsigned bits = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (key + 8 * i < keys) {
            bits |= eight_kept(dropout, first + 8 * i, aligned) << 8 * i;
        }
    }
    int left = keys - key;
    mask[word] = left >= 32 ? bits : left <= 0 ? 0 : bits & ((1u << left) - 1);
}
