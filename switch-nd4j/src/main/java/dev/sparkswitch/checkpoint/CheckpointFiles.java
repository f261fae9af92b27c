package dev.sparkswitch.checkpoint;

import java.util.Locale;

/** The names of a checkpoint's files. Names of tensors, not of files, say what is where; any layout can be read. */
public final class CheckpointFiles {
    /** The model's configuration. */
    public static final String CONFIG = "config.json";
    /** Where the run stands. */
    public static final String STATE = "state.json";
    /** Dense and router parameters: the first share of them, or all. */
    public static final String DENSE = "dense.safetensors";
    /** The optimizer's state of dense and router parameters: the first share of it, or all. */
    public static final String OPTIMIZER_DENSE = "optimizer-dense.safetensors";

    private static final String OPTIMIZER = "optimizer-";
    private static final String TENSORS = ".safetensors";

    private CheckpointFiles() {}

    /** A rank's share of the dense and router parameters. */
    public static String dense(int share) {
        return share == 0 ? DENSE : String.format(Locale.ROOT, "dense-%03d%s", share, TENSORS);
    }

    /** The optimizer's state in a rank's share of it. */
    public static String optimizerDense(int share) {
        return OPTIMIZER + dense(share);
    }

    /** The parameters of the {@code block}-th block of experts. */
    public static String experts(int block) {
        return String.format(Locale.ROOT, "experts-%03d%s", block, TENSORS);
    }

    /** The optimizer's state of the {@code block}-th block of experts. */
    public static String optimizerExperts(int block) {
        return OPTIMIZER + experts(block);
    }

    static boolean holdsTensors(String name) {
        return name.endsWith(TENSORS);
    }

    static boolean holdsOptimizer(String name) {
        return name.startsWith(OPTIMIZER);
    }
}
