package dev.sparkswitch.arrow;

import java.util.Arrays;
import java.util.List;

/** One side, inputs or targets, of the row that is being encoded: padded tokens with their segments and positions. */
final class RowSide {
    private final String name;
    private final Packing packing;
    private final int[] tokens;
    private final int[] segments;
    private final int[] positions;
    private int count;

    RowSide(String name, int length, Packing packing) {
        this.name = name;
        this.packing = packing;
        this.tokens = new int[length];
        this.segments = new int[length];
        this.positions = new int[length];
    }

    /**
     * Lays examples one after another. Padding at the end of one is left out.
     *
     * @throws IllegalArgumentException if there are several where one is allowed, one of several is empty, they do not fit,
     *     or hold padding or negative ids between tokens
     */
    void set(List<int[]> examples) {
        if (packing == Packing.NONE && examples.size() != 1) {
            throw new IllegalArgumentException(examples.size() + " examples in a row of a layout that is not packed");
        }
        count = 0;
        for (int i = 0; i < examples.size(); i++) {
            int before = count;
            append(examples.get(i), i + 1);
            if (count == before && examples.size() > 1) {
                throw new IllegalArgumentException("Example " + (i + 1) + " of a packed row has no " + name);
            }
        }
        Arrays.fill(tokens, count, tokens.length, ShardLayout.PADDING);
        Arrays.fill(segments, count, tokens.length, 0);
        Arrays.fill(positions, count, tokens.length, 0);
    }

    private void append(int[] example, int segment) {
        int length = example.length;
        while (length > 0 && example[length - 1] == ShardLayout.PADDING) {
            length--;
        }
        if (length > tokens.length - count) {
            throw new IllegalArgumentException("A row of " + (count + length) + " " + name + " does not fit the "
                    + tokens.length + " of the layout");
        }
        for (int position = 0; position < length; position++) {
            int token = example[position];
            if (token <= ShardLayout.PADDING) {
                throw new IllegalArgumentException("The id " + token + " at position " + position + " of the " + name
                        + " is no token: tokens are positive, padding comes last");
            }
            tokens[count] = token;
            segments[count] = segment;
            positions[count] = position;
            count++;
        }
    }

    int count() {
        return count;
    }

    int[] tokens() {
        return tokens;
    }

    int[] segments() {
        return segments;
    }

    int[] positions() {
        return positions;
    }
}
