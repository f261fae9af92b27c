package dev.sparkswitch.model;

import dev.sparkswitch.engine.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Neighbouring experts of one width on one rank, which one product takes together.
 *
 * @param from the first, counted from the rank's first expert
 * @param to the one after the last
 * @param widthNumber the place of their width among the different widths of the model, in the order of the experts
 * @param in their input matrices [to - from, branches * width, d_model]
 * @param out their output matrices [to - from, d_model, width]
 */
record ExpertRun(int from, int to, int widthNumber, Weight in, Weight out) {
    /** This rank's experts of a layer, cut wherever the width changes; one run where all are equal. */
    static List<ExpertRun> of(
            Parameters parameters, T5Config config, Stack stack, int layer, ExpertPlacement placement, int rank) {
        ParameterNames names = new ParameterNames(config);
        int first = placement.firstExpert(rank);
        int count = placement.localExperts();
        List<Integer> widths = differentWidths(config);
        List<ExpertRun> runs = new ArrayList<>();
        for (int from = 0; from < count; ) {
            int width = config.expertWidth(first + from);
            List<List<String>> inputs = new ArrayList<>();
            List<List<String>> outputs = new ArrayList<>();
            int to = from;
            while (to < count && config.expertWidth(first + to) == width) {
                String prefix = names.expert(stack, layer, first + to);
                inputs.add(FeedForwards.inputNames(config.feedForward(), prefix));
                outputs.add(List.of(FeedForwards.outputName(prefix)));
                to++;
            }
            runs.add(new ExpertRun(
                    from, to, widths.indexOf(width), parameters.experts(inputs), parameters.experts(outputs)));
            from = to;
        }
        return List.copyOf(runs);
    }

    /**
     * Some neighbours of a run's experts.
     *
     * @param from the first, counted from the rank's first expert
     * @param to the one after the last
     */
    record Part(ExpertRun run, int from, int to) {
        /** What is theirs of a weight or gradient of the run: a view. */
        Tensor of(Tensor ofRun) {
            return to - from == run.to - run.from ? ofRun : ofRun.slice(from - run.from, to - run.from);
        }
    }

    /** The parts of runs that lie between the experts {@code from} and {@code to} (exclusive). */
    static List<Part> between(List<ExpertRun> runs, int from, int to) {
        List<Part> parts = new ArrayList<>();
        for (ExpertRun run : runs) {
            if (run.from < to && run.to > from) {
                parts.add(new Part(run, Math.max(from, run.from), Math.min(to, run.to)));
            }
        }
        return parts;
    }

    private static List<Integer> differentWidths(T5Config config) {
        List<Integer> widths = new ArrayList<>();
        for (int expert = 0; expert < config.sparse().orElseThrow().experts(); expert++) {
            if (!widths.contains(config.expertWidth(expert))) {
                widths.add(config.expertWidth(expert));
            }
        }
        return widths;
    }
}
