// The mask of kept probabilities of an attention, a bit each, before its forward pass: drawn by themselves, random numbers fill
// the multiprocessors, where beside products they would wait for registers.

// Bits 15 and 31: whether the lower and the upper half of a word are at least the threshold, which both halves of `threshold`
// are. The lower 15 bits are compared by a subtraction; where both highest bits are equal they decide.
__device__ __forceinline__ unsigned halves_kept(unsigned word, unsigned threshold) {
    unsigned lower = (word | 0x80008000u) - (threshold & 0x7fff7fffu);
    return ((word & ~threshold) | ((word | ~threshold) & lower)) & 0x80008000u;
}

// Which of eight elements from number `first` on are kept, a bit each.
__device__ __forceinline__ unsigned eight_kept(const Dropout& dropout, unsigned long long first, bool aligned) {
    uint4 words = dropout.eight(first, aligned);
    unsigned threshold = dropout.threshold | dropout.threshold >> 16;
    // Bits 9, 11, 13, 15 are those of elements 0, 2, 4, 6, and bits 25, 27, 29, 31 those of the ones between.
    unsigned bits = halves_kept(words.x, threshold) >> 6 | halves_kept(words.y, threshold) >> 4 |
                    halves_kept(words.z, threshold) >> 2 | halves_kept(words.w, threshold);
    return (bits >> 9 & 0x55) | (bits >> 24 & 0xaa);
}

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
