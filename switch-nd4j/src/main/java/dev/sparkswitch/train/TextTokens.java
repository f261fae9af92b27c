package dev.sparkswitch.train;

/**
 * Which ids are text: a run of ids between the special ones below (padding, end) and the sentinels above.
 *
 * @param first the lowest text id
 * @param end one past the highest
 */
public record TextTokens(int first, int end) {
    public TextTokens {
        if (first < 0 || end <= first) {
            throw new IllegalArgumentException("text ids " + first + " to " + end + " are no range");
        }
    }

    /** Whether the id stands for text. */
    public boolean isText(int id) {
        return id >= first && id < end;
    }
}
