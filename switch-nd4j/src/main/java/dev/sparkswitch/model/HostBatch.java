package dev.sparkswitch.model;

/**
 * One batch as arrays, row-major: what a model is run on.
 *
 * <p>A query position attends to the key positions of its own segment; segment 0 is padding, which nothing attends to.
 * A routed mask of 0 keeps a position away from the experts and from the router's losses.
 *
 * @param rows sequences
 * @param inputLength input positions a row
 * @param targetLength target positions a row
 * @param firstRow the global number of the first row; rows are consecutive
 * @param inputs input ids [rows, inputLength]
 * @param inputQuerySegments segments of input positions as queries
 * @param inputKeySegments segments of input positions as keys
 * @param inputRouted 1 where an input position is routed
 * @param decoderInputs what the decoder reads [rows, targetLength]
 * @param targetQuerySegments segments of target positions as queries
 * @param targetKeySegments segments of target positions as keys
 * @param targetRouted 1 where a target position is routed
 * @param targets what the decoder is to predict; negative where nothing
 */
public record HostBatch(
        int rows,
        int inputLength,
        int targetLength,
        long firstRow,
        int[] inputs,
        int[] inputQuerySegments,
        int[] inputKeySegments,
        int[] inputRouted,
        int[] decoderInputs,
        int[] targetQuerySegments,
        int[] targetKeySegments,
        int[] targetRouted,
        int[] targets) {
    /** The label of a position that counts in no loss. */
    public static final int IGNORED = -100;

    /** Positions that count in the loss. */
    public int targetTokens() {
        int count = 0;
        for (int target : targets) {
            count += target >= 0 ? 1 : 0;
        }
        return count;
    }

    /** Input positions that are routed. */
    public int routedInputs() {
        return sum(inputRouted);
    }

    /** Target positions that are routed. */
    public int routedTargets() {
        return sum(targetRouted);
    }

    private static int sum(int[] values) {
        int sum = 0;
        for (int value : values) {
            sum += value;
        }
        return sum;
    }

    /** The same rows from another place of the global order on, by which their random numbers go. */
    public HostBatch startingAt(long row) {
        return new HostBatch(
                rows,
                inputLength,
                targetLength,
                row,
                inputs,
                inputQuerySegments,
                inputKeySegments,
                inputRouted,
                decoderInputs,
                targetQuerySegments,
                targetKeySegments,
                targetRouted,
                targets);
    }

    /**
     * Rows of one example each from the first on, padded, in the reading of Hugging Face: padding is no key in the encoder, but is a query and
     * is read and attended to by the decoder.
     *
     * @param inputs [rows][inputLength]
     * @param attention 1 where an input is no padding
     * @param labels [rows][targetLength], {@link #IGNORED} for padding
     * @param config gives start and padding ids, and whether padding is routed
     */
    public static HostBatch padded(int[][] inputs, int[][] attention, int[][] labels, T5Config config) {
        int rows = inputs.length;
        int inputLength = inputs[0].length;
        int targetLength = labels[0].length;
        boolean routePadding =
                config.sparse().isPresent() && config.sparse().get().capacity().routePadding();
        int[] ids = new int[rows * inputLength];
        int[] keys = new int[rows * inputLength];
        int[] queries = new int[rows * inputLength];
        int[] routed = new int[rows * inputLength];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < inputLength; i++) {
                int at = r * inputLength + i;
                ids[at] = inputs[r][i];
                keys[at] = attention[r][i] == 0 ? 0 : 1;
                queries[at] = 1;
                routed[at] = routePadding || keys[at] != 0 ? 1 : 0;
            }
        }
        int[] decoderInputs = new int[rows * targetLength];
        int[] ones = new int[rows * targetLength];
        int[] targetRouted = new int[rows * targetLength];
        int[] targets = new int[rows * targetLength];
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < targetLength; i++) {
                int at = r * targetLength + i;
                targets[at] = labels[r][i] < 0 ? IGNORED : labels[r][i];
                int before = i == 0 ? config.decoderStartId() : labels[r][i - 1];
                decoderInputs[at] = before < 0 ? config.padId() : before;
                ones[at] = 1;
                targetRouted[at] = routePadding || targets[at] >= 0 ? 1 : 0;
            }
        }
        return new HostBatch(
                rows,
                inputLength,
                targetLength,
                0,
                ids,
                queries,
                keys,
                routed,
                decoderInputs,
                ones,
                ones,
                targetRouted,
                targets);
    }
}
