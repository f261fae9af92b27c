package dev.sparkswitch.tests.train;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Philox;
import dev.sparkswitch.base.RandomStream;

/** Rows of random tokens and random lengths, made up as they are read. */
final class RandomRows implements TokenSource {
    private final ShardLayout layout;
    private final int vocabulary;
    private final long rows;

    RandomRows(int inputLength, int targetLength, int vocabulary, long rows) {
        this.layout = new ShardLayout(inputLength, targetLength, Packing.NONE);
        this.vocabulary = vocabulary;
        this.rows = rows;
    }

    @Override
    public ShardLayout layout() {
        return layout;
    }

    @Override
    public Manifest manifest() {
        return Manifest.builder(Manifest.SHARDS).build();
    }

    @Override
    public long rows() {
        return rows;
    }

    @Override
    public TokenBatch read(long firstRow, int count) {
        int[][] inputs = new int[count][];
        int[][] targets = new int[count][];
        for (int r = 0; r < count; r++) {
            inputs[r] = tokens((firstRow + r) % rows, 0, layout.inputLength());
            targets[r] = tokens((firstRow + r) % rows, 1, layout.targetLength());
        }
        return TokenBatch.of(layout, firstRow, inputs, targets);
    }

    private int[] tokens(long row, int side, int length) {
        Philox source = RandomStream.SAMPLING.at(1, (int) row, side);
        int[] tokens = new int[length / 2 + (int) (source.uniform(0) * (length - length / 2 + 1))];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = 2 + (int) (source.uniform(i + 1) * (vocabulary - 2));
        }
        return tokens;
    }

    @Override
    public long targetTokens(long firstRow, int count) {
        try (TokenBatch batch = read(firstRow, count)) {
            long sum = 0;
            for (int tokens : batch.targetTokens()) {
                sum += tokens;
            }
            return sum;
        }
    }

    @Override
    public void close() {}
}
