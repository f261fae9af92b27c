package dev.sparkswitch.jobs.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.InternalException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the steps of a run took that count, as rank 0 saw it.
 *
 * @param median seconds of a step
 * @param steps that count
 * @param seconds from the end of the step before the first to the end of the last, with all that came between
 * @param waits seconds from the end of a step to the beginning of the next, where a checkpoint was begun between them
 */
record StepTimes(double median, int steps, double seconds, List<Double> waits) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * The times in the lines of a run's metrics, one a step.
     *
     * @param warmUp steps that do not count, at least 1
     * @param checkpointEvery steps between checkpoints; that of the last step ends the run and does not count
     */
    static StepTimes of(List<String> metrics, int warmUp, int checkpointEvery) {
        double[] seconds = new double[metrics.size()];
        double[] elapsed = new double[metrics.size()];
        for (int i = 0; i < seconds.length; i++) {
            JsonNode line = line(metrics.get(i));
            if (line.path("step").asInt() != i + 1) {
                throw new InternalException(
                        "line " + (i + 1) + " of the metrics is not of step " + (i + 1) + ": the run was disturbed");
            }
            seconds[i] = line.path("seconds").asDouble();
            elapsed[i] = line.path("elapsed").asDouble();
        }
        List<Double> waits = new ArrayList<>();
        for (int step = warmUp; step < seconds.length; step++) {
            if (step % checkpointEvery == 0) {
                waits.add(elapsed[step] - seconds[step] - elapsed[step - 1]);
            }
        }
        double[] counted = Arrays.copyOfRange(seconds, warmUp, seconds.length);
        Arrays.sort(counted);
        return new StepTimes(
                counted[counted.length / 2],
                counted.length,
                elapsed[elapsed.length - 1] - elapsed[warmUp - 1],
                List.copyOf(waits));
    }

    private static JsonNode line(String text) {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new InternalException("the metrics of a run are no JSON", e);
        }
    }

    /** Seconds that training waited for a checkpoint, on average; 0 where there was none. */
    double meanWait() {
        return waits.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }

    /** The share of {@code period} steps that waiting for one checkpoint takes. */
    double waitShare(int period) {
        return meanWait() / (period * median);
    }

    /**
     * The share by which all of the time exceeds that of as many median steps: waiting for checkpoints, being slower while
     * they are written, and whatever else makes steps uneven.
     */
    double excessShare() {
        return seconds / (steps * median) - 1;
    }
}
