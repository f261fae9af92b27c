package dev.sparkswitch.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LostRankTest {
    @Test
    void aKilledExecutorIsFoundInSparksWords() {
        String words =
                "Job aborted due to stage failure: Could not recover from a failed barrier ResultStage. Most recent"
                        + " failure reason: Stage failed because barrier task ResultTask(3, 1) finished unsuccessfully.\n"
                        + "ExecutorLostFailure (executor 4 exited caused by one of the running tasks) Reason: Command exited"
                        + " with code 137\nDriver stacktrace:";
        assertThat(LostRank.in(words))
                .contains(new LostRank(1, "executor 4 lost (SIGKILL): Command exited with code 137"));
    }

    @Test
    void anExecutorWithoutAReasonIsLostTheSame() {
        assertThat(LostRank.in("ExecutorLostFailure (executor 0 exited unrelated to the running tasks)"))
                .contains(new LostRank(-1, "executor 0 lost"));
    }

    @Test
    void otherFailuresAreNoLoss() {
        assertThat(LostRank.in("Job 3 cancelled")).isEmpty();
    }
}
