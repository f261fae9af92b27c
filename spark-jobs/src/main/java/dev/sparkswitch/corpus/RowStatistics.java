package dev.sparkswitch.corpus;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import dev.sparkswitch.arrow.ShardLayout;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What rows hold: for the manifest and the report. */
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
final class RowStatistics implements Serializable {
    private static final long serialVersionUID = 1L;
    /** Classes of the histograms of lengths, equally wide over the length of a row. */
    static final int CLASSES = 20;
    /** Examples of a source that are kept to be shown. */
    private static final int SHOWN = 3;

    /** An example as it was written to {@code shard}. */
    record Shown(int shard, int source, int[] inputs, int[] targets) implements Serializable {}

    /** What one source gave. */
    @JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
    static final class OfSource implements Serializable {
        private static final long serialVersionUID = 1L;
        private long examples;
        private long inputTokens;
        private long targetTokens;

        long examples() {
            return examples;
        }

        long inputTokens() {
            return inputTokens;
        }

        long targetTokens() {
            return targetTokens;
        }

        private void merge(OfSource other) {
            examples += other.examples;
            inputTokens += other.inputTokens;
            targetTokens += other.targetTokens;
        }
    }

    private int shard;
    private int inputLength;
    private int targetLength;
    private long rows;
    private long[] inputsOfRow;
    private long[] targetsOfRow;
    private long[] inputsOfExample;
    private long[] targetsOfExample;
    private List<OfSource> sources = new ArrayList<>();
    private List<Shown> shown = new ArrayList<>();
    private TokenStatistics targetText;

    /** For JSON. */
    private RowStatistics() {}

    RowStatistics(int shard, ShardLayout layout, int sources, int vocabularySize) {
        this.shard = shard;
        inputLength = layout.inputLength();
        targetLength = layout.targetLength();
        inputsOfRow = new long[CLASSES];
        targetsOfRow = new long[CLASSES];
        inputsOfExample = new long[CLASSES];
        targetsOfExample = new long[CLASSES];
        for (int i = 0; i < sources; i++) {
            this.sources.add(new OfSource());
        }
        targetText = new TokenStatistics(vocabularySize);
    }

    void addExample(Recipe recipe, int source, Objective.Example example) {
        OfSource of = sources.get(source);
        if (of.examples < SHOWN) {
            shown.add(new Shown(shard, source, example.inputs(), example.targets()));
        }
        of.examples++;
        of.inputTokens += example.inputs().length;
        of.targetTokens += example.targets().length;
        inputsOfExample[histogramClass(example.inputs().length, inputLength)]++;
        targetsOfExample[histogramClass(example.targets().length, targetLength)]++;
        for (int token : example.targets()) {
            if (recipe.isText(token)) {
                targetText.add(token);
            }
        }
    }

    void addRow(List<int[]> inputs, List<int[]> targets) {
        rows++;
        inputsOfRow[histogramClass(tokens(inputs), inputLength)]++;
        targetsOfRow[histogramClass(tokens(targets), targetLength)]++;
    }

    private static int tokens(List<int[]> examples) {
        int tokens = 0;
        for (int[] example : examples) {
            tokens += example.length;
        }
        return tokens;
    }

    /** Of lengths 1 to {@code longest} the last class has the longest. */
    private static int histogramClass(int length, int longest) {
        return (int) ((long) (Math.max(length, 1) - 1) * CLASSES / longest);
    }

    /** Adds another shard's; the order of merging does not matter. */
    RowStatistics merge(RowStatistics other) {
        rows += other.rows;
        add(inputsOfRow, other.inputsOfRow);
        add(targetsOfRow, other.targetsOfRow);
        add(inputsOfExample, other.inputsOfExample);
        add(targetsOfExample, other.targetsOfExample);
        for (int i = 0; i < sources.size(); i++) {
            sources.get(i).merge(other.sources.get(i));
        }
        targetText.merge(other.targetText);
        shown.addAll(other.shown);
        shown.sort(Comparator.comparingInt(Shown::source).thenComparingInt(Shown::shard));
        int[] kept = new int[sources.size()];
        shown.removeIf(one -> ++kept[one.source()] > SHOWN);
        return this;
    }

    private static void add(long[] to, long[] from) {
        for (int i = 0; i < to.length; i++) {
            to[i] += from[i];
        }
    }

    int inputLength() {
        return inputLength;
    }

    int targetLength() {
        return targetLength;
    }

    long rows() {
        return rows;
    }

    long examples() {
        return sources.stream().mapToLong(OfSource::examples).sum();
    }

    long inputTokens() {
        return sources.stream().mapToLong(OfSource::inputTokens).sum();
    }

    long targetTokens() {
        return sources.stream().mapToLong(OfSource::targetTokens).sum();
    }

    /** Rows by the number of their input tokens. */
    long[] inputsOfRow() {
        return inputsOfRow.clone();
    }

    long[] targetsOfRow() {
        return targetsOfRow.clone();
    }

    /** Examples by the number of their input tokens. */
    long[] inputsOfExample() {
        return inputsOfExample.clone();
    }

    long[] targetsOfExample() {
        return targetsOfExample.clone();
    }

    /** By the number of the source. */
    List<OfSource> sources() {
        return List.copyOf(sources);
    }

    /** The first examples of each source. */
    List<Shown> shown() {
        return List.copyOf(shown);
    }

    /** The text tokens of all targets. */
    TokenStatistics targetText() {
        return targetText;
    }
}
