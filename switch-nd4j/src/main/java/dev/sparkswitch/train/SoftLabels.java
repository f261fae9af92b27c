package dev.sparkswitch.train;

import dev.sparkswitch.arrow.Packing;
import dev.sparkswitch.arrow.ShardLayout;
import dev.sparkswitch.arrow.ShardWriter;
import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import dev.sparkswitch.model.SwitchTransformer;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * A box of what a teacher says of every row of a box of shards: of each target position the likeliest tokens and their
 * probabilities at temperature 1. The rows are shards too, in the order of the rows they belong to: the inputs hold the tokens'
 * ids plus 1, the targets {@code 1 + round(p * 2^30)}, both {@code [positions, k]}.
 */
public final class SoftLabels {
    /** Property of the box: the tokens that are kept of each position. */
    static final String CHOICES = "soft-label-choices";
    /** Probability 1 as a stored number. */
    static final double UNIT = 1 << 30;

    /** Rows of logits that are brought to the host at a time. */
    private static final int LOGIT_ROWS = 256;

    private SoftLabels() {}

    /** Whether the box is finished, for these rows and by this teacher. */
    public static boolean exists(
            FileSystem files, Path folder, Manifest.Input teacher, Manifest.Input rows, int choices) {
        Optional<Manifest> found = Manifests.find(files, folder);
        if (found.isEmpty()) {
            return false;
        }
        boolean same = found.get().inputs().stream()
                        .anyMatch(input -> input.id().equals(teacher.id()))
                && found.get().inputs().stream().anyMatch(input -> input.id().equals(rows.id()))
                && found.get().properties().getOrDefault(CHOICES, "").equals(Integer.toString(choices));
        if (!same) {
            throw new UserException(
                    "The folder " + folder + " holds other soft labels: name another output, or remove it.");
        }
        return true;
    }

    /**
     * Makes the box; every rank takes an equal run of the rows and calls this together with the others.
     *
     * @param teacherInput how the manifest names the teacher
     * @param rowsInput how it names the rows
     * @param batchRows rows that a rank takes at a time
     * @param choices tokens that are kept of each position, at most the vocabulary's
     */
    public static void make(
            RankContext context,
            FileSystem files,
            Path folder,
            SwitchTransformer teacher,
            Manifest.Input teacherInput,
            TokenSource rows,
            Manifest.Input rowsInput,
            int batchRows,
            int choices) {
        int positions = rows.layout().targetLength();
        ShardLayout layout = new ShardLayout(positions * choices, positions * choices, Packing.NONE);
        long from = rows.rows() * context.rank() / context.worldSize();
        long to = rows.rows() * (context.rank() + 1) / context.worldSize();
        long most = (rows.rows() + context.worldSize() - 1) / context.worldSize();
        Path file = new Path(folder, String.format("data/%05d.arrow", context.rank()));
        ShardWriter writer = ShardWriter.open(files, file, layout, from);
        try (writer) {
            // Ranks may share the teacher's experts: all of them run as many batches.
            for (long first = from; first < from + most; first += batchRows) {
                try (TokenBatch tokens = rows.read(first, batchRows)) {
                    HostBatch host = TokenBatches.toHost(tokens, teacher.config());
                    int wanted = (int) Math.max(0, Math.min(batchRows, to - first));
                    add(teacher, host, wanted, choices, writer);
                }
            }
        }
        Manifest.Entry own = writer.entry(folder);
        List<String> entries = context.allGather(own.path() + " " + own.bytes() + " " + own.checksum() + " "
                + own.count(ShardWriter.ROWS) + " " + own.count(ShardWriter.INPUT_TOKENS));
        if (context.rank() == 0) {
            Manifest.Builder manifest = Manifest.builder(Manifest.SHARDS)
                    .input(teacherInput)
                    .input(rowsInput)
                    .count("rows", rows.rows())
                    .properties(layout.properties())
                    .property(CHOICES, choices);
            entries.forEach(entry -> manifest.file(entry(entry)));
            Manifests.write(files, folder, manifest.build());
        }
        context.allGather("");
    }

    private static Manifest.Entry entry(String text) {
        String[] parts = text.split(" ");
        TreeMap<String, Long> counts = new TreeMap<>();
        counts.put(ShardWriter.ROWS, Long.parseLong(parts[3]));
        counts.put(ShardWriter.INPUT_TOKENS, Long.parseLong(parts[4]));
        counts.put(ShardWriter.TARGET_TOKENS, Long.parseLong(parts[4]));
        return new Manifest.Entry(parts[0], Long.parseLong(parts[1]), parts[2], counts);
    }

    private static void add(SwitchTransformer teacher, HostBatch host, int wanted, int choices, ShardWriter writer) {
        Engine engine = teacher.engine();
        int positions = host.targetLength();
        int[][] ids = new int[host.rows()][];
        int[][] shares = new int[host.rows()][];
        for (int row = 0; row < host.rows(); row++) {
            int length = positions;
            while (length > 0 && host.targets()[row * positions + length - 1] < 0) {
                length--;
            }
            ids[row] = new int[length * choices];
            shares[row] = new int[length * choices];
        }
        try (Batch batch = Batch.upload(engine, host)) {
            SoftTargets.OfTeacher told = teacher.softTargets(batch);
            try (Tensor hidden = told.hidden()) {
                for (int first = 0; first < host.rows() * positions; first += LOGIT_ROWS) {
                    int last = Math.min(first + LOGIT_ROWS, host.rows() * positions);
                    try (Tensor logits = engine.logits(hidden.slice(first, last), told.w(), told.logitScale())) {
                        double[] values = teacher.download(logits);
                        int vocabulary = values.length / (last - first);
                        for (int at = first; at < last; at++) {
                            int row = at / positions;
                            int from = at % positions * choices;
                            if (from < ids[row].length) {
                                likeliest(
                                        values,
                                        (at - first) * vocabulary,
                                        vocabulary,
                                        choices,
                                        ids[row],
                                        shares[row],
                                        from);
                            }
                        }
                    }
                }
            }
        }
        for (int row = 0; row < wanted; row++) {
            writer.add(ids[row], shares[row]);
        }
    }

    /** Writes the likeliest of a row of logits, the likeliest first, from place {@code to} on. */
    private static void likeliest(
            double[] logits, int from, int vocabulary, int choices, int[] ids, int[] shares, int to) {
        int[] best = new int[choices];
        int count = 0;
        double max = Double.NEGATIVE_INFINITY;
        for (int id = 0; id < vocabulary; id++) {
            double value = logits[from + id];
            max = Math.max(max, value);
            if (count < choices || value > logits[from + best[count - 1]]) {
                int place = count < choices ? count++ : count - 1;
                while (place > 0 && logits[from + best[place - 1]] < value) {
                    best[place] = best[place - 1];
                    place--;
                }
                best[place] = id;
            }
        }
        double sum = 0;
        for (int id = 0; id < vocabulary; id++) {
            sum += Math.exp(logits[from + id] - max);
        }
        for (int i = 0; i < choices; i++) {
            ids[to + i] = best[i] + 1;
            shares[to + i] = 1 + (int) Math.round(UNIT * Math.exp(logits[from + best[i]] - max) / sum);
        }
    }

    /** Probabilities of one position at another temperature, adding up to 1. */
    static double[] tempered(int[] shares, int from, int choices, double temperature) {
        double[] probabilities = new double[choices];
        double sum = 0;
        for (int i = 0; i < choices; i++) {
            probabilities[i] = Math.pow((shares[from + i] - 1) / UNIT, 1 / temperature);
            sum += probabilities[i];
        }
        for (int i = 0; i < choices; i++) {
            probabilities[i] /= Math.max(sum, Double.MIN_NORMAL);
        }
        return probabilities;
    }
}
