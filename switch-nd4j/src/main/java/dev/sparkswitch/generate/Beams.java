package dev.sparkswitch.generate;

import dev.sparkswitch.model.T5Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The hypotheses of one input row in a beam search, kept as Hugging Face's transformers (5.x, {@code _beam_search}) keeps
 * them:
 *
 * <p>The continuations of all running beams by all tokens compete by their summed log-probabilities; the best 2 * beams are
 * looked at. Those of the first {@code beams} of them that end are finished, with the score sum / tokens^length-penalty, and
 * the best {@code beams} finished hypotheses are kept; the best {@code beams} that do not end run on. At the greatest length
 * all end. Ties go to the earlier beam, then the lower token; of finished hypotheses to the older.
 */
final class Beams {
    /**
     * A finished target.
     *
     * @param tokens without the start
     * @param score log-probability over length^length-penalty
     */
    record Hypothesis(int[] tokens, double score) {}

    private final int beams;
    private final double lengthPenalty;
    private final EarlyStopping earlyStopping;
    private final int maxLength;
    private final int eosId;
    private final List<Hypothesis> finished = new ArrayList<>();
    private int length = 1;
    private int[][] running;
    private double[] sums;
    private int[] origins;

    Beams(GenerationConfig settings, T5Config model) {
        this.beams = settings.beams();
        this.lengthPenalty = settings.lengthPenalty();
        this.earlyStopping = settings.earlyStopping();
        this.maxLength = settings.maxLength();
        this.eosId = model.eosId();
        this.running = new int[1][maxLength];
        this.running[0][0] = model.decoderStartId();
        this.sums = new double[1];
        this.origins = new int[1];
    }

    /** Beams that run on; 0 once the search is over. */
    int running() {
        return running.length;
    }

    /** Tokens of a running beam, the start counted. */
    int length() {
        return length;
    }

    /** The tokens of a running beam, the start token first; {@link #length} of them count. */
    int[] tokens(int beam) {
        return running[beam];
    }

    /** The beam, before the last {@link #advance}, that a running one continues. */
    int origin(int beam) {
        return origins[beam];
    }

    /** The best finished hypothesis. */
    Hypothesis best() {
        return finished.get(0);
    }

    /** The best continuations, in order. */
    private final class Candidates {
        private final int[] beam = new int[2 * beams];
        private final int[] token = new int[2 * beams];
        private final double[] sum = new double[2 * beams];
        private int count;

        Candidates(Scores[] next) {
            for (int b = 0; b < next.length; b++) {
                for (int id = 0; id < next[b].count(); id++) {
                    double value = sums[b] + next[b].at(id);
                    if (count < sum.length ? value != Double.NEGATIVE_INFINITY : value > sum[count - 1]) {
                        insert(b, id, value);
                    }
                }
            }
        }

        private void insert(int b, int id, double value) {
            int at = count < sum.length ? count++ : count - 1;
            while (at > 0 && value > sum[at - 1]) {
                beam[at] = beam[at - 1];
                token[at] = token[at - 1];
                sum[at] = sum[at - 1];
                at--;
            }
            beam[at] = b;
            token[at] = id;
            sum[at] = value;
        }

        int[] tokens(int candidate) {
            int[] tokens = Arrays.copyOf(running[beam[candidate]], maxLength);
            tokens[length] = token[candidate];
            return tokens;
        }
    }

    /**
     * Goes on by one token.
     *
     * @param next for each running beam the log-probabilities of its next token
     */
    void advance(Scores[] next) {
        Candidates candidates = new Candidates(next);
        if (candidates.count == 0) {
            // Every token is forbidden: what there is stays as it is.
            for (int beam = 0; beam < running.length; beam++) {
                finish(Arrays.copyOfRange(running[beam], 1, length), sums[beam]);
            }
            stop();
            return;
        }
        List<Integer> going = new ArrayList<>();
        for (int candidate = 0; candidate < candidates.count; candidate++) {
            boolean ends = candidates.token[candidate] == eosId || length + 1 == maxLength;
            if (ends && candidate < beams) {
                finish(Arrays.copyOfRange(candidates.tokens(candidate), 1, length + 1), candidates.sum[candidate]);
            } else if (!ends && going.size() < beams) {
                going.add(candidate);
            }
        }
        goOn(candidates, going);
        length++;
        if (running.length == 0 || over()) {
            stop();
        }
    }

    private void goOn(Candidates candidates, List<Integer> going) {
        int[][] tokens = new int[going.size()][];
        double[] newSums = new double[tokens.length];
        int[] newOrigins = new int[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            int candidate = going.get(i);
            tokens[i] = candidates.tokens(candidate);
            newSums[i] = candidates.sum[candidate];
            newOrigins[i] = candidates.beam[candidate];
        }
        running = tokens;
        sums = newSums;
        origins = newOrigins;
    }

    private void finish(int[] tokens, double sum) {
        double score = sum / Math.pow(tokens.length, lengthPenalty);
        int at = finished.size();
        while (at > 0 && score > finished.get(at - 1).score()) {
            at--;
        }
        finished.add(at, new Hypothesis(tokens, score));
        if (finished.size() > beams) {
            finished.remove(beams);
        }
    }

    /** Whether nothing better can come, as far as the settings want to know. */
    private boolean over() {
        if (finished.size() < beams) {
            return false;
        }
        int hopedFor = length - 1;
        switch (earlyStopping) {
            case TRUE -> {
                return true;
            }
            case NEVER -> hopedFor = lengthPenalty > 0 ? maxLength - 1 : hopedFor;
            case FALSE -> {}
        }
        return sums[0] / Math.pow(hopedFor, lengthPenalty)
                <= finished.get(beams - 1).score();
    }

    private void stop() {
        running = new int[0][];
        sums = new double[0];
        origins = new int[0];
    }
}
