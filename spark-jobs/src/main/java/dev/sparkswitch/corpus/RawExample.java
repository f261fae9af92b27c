package dev.sparkswitch.corpus;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Tokens before an objective was applied to them: a stretch of text, or the two texts of a task's example.
 *
 * @param tokens the stretch, or inputs and targets one after the other
 * @param inputs how many of the tokens are inputs; {@link #STRETCH} for a stretch
 */
record RawExample(int[] tokens, int inputs) {
    static final int STRETCH = -1;
    private static final int MOST_BYTES_A_TOKEN = 5;

    static RawExample stretch(int[] tokens, int from, int to) {
        return new RawExample(Arrays.copyOfRange(tokens, from, to), STRETCH);
    }

    static RawExample pair(int[] inputs, int[] targets) {
        int[] both = Arrays.copyOf(inputs, inputs.length + targets.length);
        System.arraycopy(targets, 0, both, inputs.length, targets.length);
        return new RawExample(both, inputs.length);
    }

    boolean isStretch() {
        return inputs == STRETCH;
    }

    /** The example of a task that this is. */
    Objective.Example asPair() {
        return new Objective.Example(Arrays.copyOf(tokens, inputs), Arrays.copyOfRange(tokens, inputs, tokens.length));
    }

    /** Seven bits a byte, the lowest first, a set high bit where more follow: most tokens take two bytes. */
    byte[] bytes() {
        ByteBuffer bytes = ByteBuffer.allocate(MOST_BYTES_A_TOKEN * (tokens.length + 1));
        put(bytes, inputs + 1);
        for (int token : tokens) {
            put(bytes, token);
        }
        return Arrays.copyOf(bytes.array(), bytes.position());
    }

    private static void put(ByteBuffer bytes, int value) {
        int rest = value;
        while ((rest & ~0x7F) != 0) {
            bytes.put((byte) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        bytes.put((byte) rest);
    }

    static RawExample parse(byte[] bytes) {
        int[] values = new int[bytes.length];
        int count = 0;
        int value = 0;
        int shift = 0;
        for (byte next : bytes) {
            value |= (next & 0x7F) << shift;
            shift += 7;
            if (next >= 0) {
                values[count++] = value;
                value = 0;
                shift = 0;
            }
        }
        return new RawExample(Arrays.copyOfRange(values, 1, count), values[0] - 1);
    }
}
