package dev.sparkswitch.tests.survive;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;
import java.util.Set;

/** Rows of random tokens, made up as they are read. The last id of the vocabulary marks the targets of poisoned rows. */
record Rows(long rows, Set<Long> poisoned) implements TokenSource {
    static final int MARK = LocalRun.VOCABULARY - 1;
    private static final ShardLayout LAYOUT = new ShardLayout(12, 7, Packing.NONE);

    Rows(long rows) {
        this(rows, Set.of());
    }

    @Override
    public ShardLayout layout() {
        return LAYOUT;
    }

    @Override
    public Manifest manifest() {
        return Manifest.builder(Manifest.SHARDS).build();
    }

    @Override
    public TokenBatch read(long firstRow, int count) {
        int[][] inputs = new int[count][];
        int[][] targets = new int[count][];
        for (int r = 0; r < count; r++) {
            inputs[r] = tokens(firstRow + r, 0, LAYOUT.inputLength());
            targets[r] = tokens(firstRow + r, 1, LAYOUT.targetLength());
            if (poisoned.contains(firstRow + r)) {
                targets[r][0] = MARK;
            }
        }
        return TokenBatch.of(LAYOUT, firstRow, inputs, targets);
    }

    private static int[] tokens(long row, int side, int length) {
        Philox source = RandomStream.SAMPLING.at(1, (int) row, side);
        int[] tokens = new int[length / 2 + (int) (source.uniform(0) * (length - length / 2 + 1))];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = 2 + (int) (source.uniform(i + 1) * (MARK - 2));
        }
        return tokens;
    }

    @Override
    public long targetTokens(long firstRow, int count) {
        long sum = 0;
        for (int r = 0; r < count; r++) {
            sum += tokens(firstRow + r, 1, LAYOUT.targetLength()).length;
        }
        return sum;
    }

    @Override
    public void close() {}
}
