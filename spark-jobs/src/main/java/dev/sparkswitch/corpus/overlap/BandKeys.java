package dev.sparkswitch.corpus.overlap;

import com.dynatrace.hash4j.similarity.ElementHashProvider;
import com.dynatrace.hash4j.similarity.SimilarityHashPolicy;
import com.dynatrace.hash4j.similarity.SimilarityHasher;
import com.dynatrace.hash4j.similarity.SimilarityHashing;
import java.util.Arrays;

/**
 * A text's MinHash signature over the set of its shingles, and the keys of the signature's bands. The hashes are those of
 * SuperMinHash (Ertl 2017): each agrees for two sets with the probability of their Jaccard similarity, as with MinHash,
 * with less variance and in less time. One instance serves one thread.
 */
final class BandKeys {
    /** Shingles that a signature covers at most, which bounds the memory for a text of any length. */
    static final int MOST_SHINGLES = 1 << 20;

    private static final int BITS = 32;

    private final Banding banding;
    private final WordGrams grams;
    private final SimilarityHashPolicy policy;
    private final SimilarityHasher hasher;
    private long[] shingles = new long[1024];
    private int count;

    BandKeys(Banding banding) {
        this.banding = banding;
        this.grams = new WordGrams(banding.words());
        this.policy = SimilarityHashing.superMinHash(banding.hashes(), BITS);
        this.hasher = policy.createHasher();
    }

    /** The key of each band, [bands]; none for a text without words. */
    long[] of(String text) {
        if (shingles(text) == 0) {
            return new long[0];
        }
        byte[] signature = signature();
        long[] keys = new long[banding.bands()];
        int component = 0;
        for (int band = 0; band < keys.length; band++) {
            long key = WordGrams.mixed(band + 1L);
            for (int row = 0; row < banding.rows(); row++) {
                key = WordGrams.mixed(key ^ policy.getComponent(signature, component++));
            }
            keys[band] = key;
        }
        return keys;
    }

    /** The share of hashes in which two texts agree, which estimates their Jaccard similarity. */
    double estimate(String one, String other) {
        shingles(one);
        byte[] signature = signature();
        shingles(other);
        return policy.getFractionOfEqualComponents(signature, signature());
    }

    /** The Jaccard similarity of two texts' sets of shingles: shared ones / all ones; 0 for texts without words. */
    double similarity(String one, String other) {
        long[] first = distinct(one);
        long[] second = distinct(other);
        int shared = 0;
        for (int i = 0, j = 0; i < first.length && j < second.length; ) {
            if (first[i] == second[j]) {
                shared++;
            }
            // Both advance on a match, the smaller one otherwise.
            long left = first[i];
            i += left <= second[j] ? 1 : 0;
            j += second[j] <= left ? 1 : 0;
        }
        int all = first.length + second.length - shared;
        return all == 0 ? 0 : (double) shared / all;
    }

    private byte[] signature() {
        return hasher.compute(ElementHashProvider.ofFunction(i -> shingles[i], count));
    }

    private long[] distinct(String text) {
        int size = shingles(text);
        Arrays.sort(shingles, 0, size);
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (i == 0 || shingles[i] != shingles[i - 1]) {
                shingles[kept++] = shingles[i];
            }
        }
        return Arrays.copyOf(shingles, kept);
    }

    private int shingles(String text) {
        count = 0;
        int words = grams.scan(text, (hash, from, to) -> add(hash));
        if (words > 0 && words < banding.words()) {
            add(grams.whole());
        }
        return count;
    }

    private void add(long hash) {
        if (count == shingles.length) {
            if (count == MOST_SHINGLES) {
                return;
            }
            shingles = Arrays.copyOf(shingles, Math.min(MOST_SHINGLES, 2 * count));
        }
        shingles[count++] = hash;
    }
}
