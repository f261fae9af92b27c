package dev.sparkswitch.generate;

import java.util.Arrays;

/** Beam search over a batch of rows, each with beams of its own. */
final class BeamSearch {
    private BeamSearch() {}

    /** The best hypothesis of each row, without the start token. */
    static int[][] write(Lanes lanes, GenerationConfig settings) {
        Beams[] rows = new Beams[lanes.rows()];
        int[] origins = new int[rows.length];
        int[] tokens = new int[rows.length];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = new Beams(settings, lanes.config());
            origins[row] = row;
            tokens[row] = lanes.config().decoderStartId();
        }
        while (lanes.goOn(tokens.length)) {
            Lanes.Step step = lanes.step(origins, tokens);
            origins = new int[rows.length * settings.beams()];
            tokens = new int[origins.length];
            int lane = 0;
            int next = 0;
            for (Beams row : rows) {
                int first = lane;
                Scores[] scores = new Scores[row.running()];
                for (int beam = 0; beam < scores.length; beam++) {
                    scores[beam] = step.lane(lane++);
                    scores[beam].normalize();
                    lanes.rule(scores[beam], row.tokens(beam), row.length());
                }
                if (scores.length > 0) {
                    row.advance(scores);
                }
                for (int beam = 0; beam < row.running(); beam++) {
                    origins[next] = first + row.origin(beam);
                    tokens[next++] = row.tokens(beam)[row.length() - 1];
                }
            }
            origins = Arrays.copyOf(origins, next);
            tokens = Arrays.copyOf(tokens, next);
        }
        int[][] best = new int[rows.length][];
        for (int row = 0; row < rows.length; row++) {
            best[row] = rows[row].best().tokens();
        }
        return best;
    }
}
