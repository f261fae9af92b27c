package dev.sparkswitch.corpus;

import dev.sparkswitch.base.Setting;
import dev.sparkswitch.corpus.overlap.Banding;
import java.util.Optional;

/** How {@link Prepare} finds texts that are nearly the same, of which one stays. */
public record NearDuplicatesConfig(
        @Setting(help = "whether all but one of texts that are nearly the same go; left out: for fineweb alone")
        Optional<Boolean> remove,

        @Setting(value = "5", help = "words of a shingle; texts are compared by their sets of shingles")
        int words,

        @Setting(value = "14", help = "bands of a signature; texts that share one are near-duplicates")
        int bands,

        @Setting(value = "8", help = "hashes of a band; the threshold is about (1/bands)^(1/rows)")
        int rows,

        @Setting(help = "Jaccard similarity that texts sharing a band must have in truth; left out: not looked at")
        Optional<Double> verify) {

    public NearDuplicatesConfig {
        banding(words, bands, rows);
        verify.ifPresent(least -> {
            if (!(least > 0 && least <= 1)) {
                throw new IllegalArgumentException("verify " + least + " must lie in (0, 1]");
            }
        });
    }

    private static Banding banding(int words, int bands, int rows) {
        return new Banding(words, bands, rows);
    }

    /** How signatures are cut. */
    public Banding banding() {
        return banding(words, bands, rows);
    }
}
