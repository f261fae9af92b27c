package dev.sparkswitch.generate;

import java.util.Arrays;

/** One target a row, each token taken for good. */
final class TokenByToken {
    /** Takes the next token. */
    interface Choice {
        /**
         * @param logits those of the next token, rules applied
         * @param row the input row
         * @param position the new token's place, 1 behind the start token
         */
        int next(Scores logits, int row, int position);
    }

    private TokenByToken() {}

    static int[][] write(Lanes lanes, GenerationConfig settings, Choice choice) {
        int rows = lanes.rows();
        int eosId = lanes.config().eosId();
        int[][] written = new int[rows][settings.maxLength()];
        int[][] finished = new int[rows][];
        int[] open = new int[rows];
        int[] origins = new int[rows];
        int[] last = new int[rows];
        for (int row = 0; row < rows; row++) {
            open[row] = row;
            origins[row] = row;
            last[row] = lanes.config().decoderStartId();
            written[row][0] = last[row];
        }
        for (int length = 1; length < settings.maxLength() && lanes.goOn(open.length); length++) {
            Lanes.Step step = lanes.step(origins, last);
            int stay = 0;
            int[] nextOpen = new int[open.length];
            for (int lane = 0; lane < open.length; lane++) {
                int row = open[lane];
                Scores logits = step.lane(lane);
                lanes.rule(logits, written[row], length);
                int token = choice.next(logits, row, length);
                written[row][length] = token;
                if (token == eosId || length + 1 == settings.maxLength()) {
                    finished[row] = Arrays.copyOfRange(written[row], 1, length + 1);
                } else {
                    nextOpen[stay] = row;
                    origins[stay] = lane;
                    last[stay++] = token;
                }
            }
            open = Arrays.copyOf(nextOpen, stay);
            origins = Arrays.copyOf(origins, stay);
            last = Arrays.copyOf(last, stay);
        }
        return finished;
    }
}
