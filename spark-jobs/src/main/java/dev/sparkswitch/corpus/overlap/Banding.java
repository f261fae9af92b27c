package dev.sparkswitch.corpus.overlap;

import java.io.Serializable;

/**
 * Locality-sensitive hashing of MinHash signatures (Leskovec, Rajaraman and Ullman 2014, section 3.4): a signature is cut
 * into bands, and two texts are candidates when all rows of some band agree.
 *
 * @param words of a shingle, whose sets are compared
 * @param bands of a signature
 * @param rows hashes of a band
 */
public record Banding(int words, int bands, int rows) implements Serializable {
    public Banding {
        if (words < 1 || bands < 1 || rows < 1 || (long) bands * rows > 1 << 14) {
            throw new IllegalArgumentException("words " + words + ", bands " + bands + " and rows " + rows
                    + " must be 1 or more, bands times rows at most " + (1 << 14));
        }
    }

    /** Hashes of a signature. */
    public int hashes() {
        return bands * rows;
    }

    /** The probability that texts of this Jaccard similarity share a band: 1 - (1 - s^rows)^bands. */
    public double probability(double similarity) {
        return 1 - Math.pow(1 - Math.pow(similarity, rows), bands);
    }

    /** About where that probability rises fastest: (1 / bands)^(1 / rows). */
    public double threshold() {
        return Math.pow(1.0 / bands, 1.0 / rows);
    }
}
