// Which probabilities of an attention its dropout keeps, eight neighbouring keys of a query at a time.

// Bits 15 and 31: whether the lower and the upper half of a word are at least the threshold, which both halves of `threshold`
// are. The lower 15 bits are compared by a subtraction; where both highest bits are equal they decide.
__device__ __forceinline__ unsigned halves_kept(unsigned word, unsigned threshold) {
    unsigned lower = (word | 0x80008000u) - (threshold & 0x7fff7fffu);
    return ((word & ~threshold) | ((word | ~threshold) & lower)) & 0x80008000u;
}

// Which of eight elements from number `first` on are kept, a bit each. Rows that are whole blocks of random numbers
// (`aligned`) need one for eight elements, others two.
__device__ __forceinline__ unsigned eight_kept(const Dropout& dropout, unsigned long long first, bool aligned) {
    uint4 words = dropout.eight(first, aligned);
    unsigned threshold = dropout.threshold | dropout.threshold >> 16;
    // Bits 9, 11, 13, 15 are those of elements 0, 2, 4, 6, and bits 25, 27, 29, 31 those of the ones between.
    unsigned bits = halves_kept(words.x, threshold) >> 6 | halves_kept(words.y, threshold) >> 4 |
                    halves_kept(words.z, threshold) >> 2 | halves_kept(words.w, threshold);
    return (bits >> 9 & 0x55) | (bits >> 24 & 0xaa);
}
