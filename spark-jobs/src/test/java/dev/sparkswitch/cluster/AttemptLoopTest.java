package dev.sparkswitch.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.train.LocalRanks;
import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import dev.sparkswitch.train.TrainingStatus;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class AttemptLoopTest {
    private static final AttemptOptions FOUR = AttemptOptions.of(4).withMaxAttempts(3);

    /** Ranks in threads, on as many pretended executors as it is told, attempt by attempt. */
    private static final class Threads implements RankLauncher {
        private final Deque<Integer> available = new ArrayDeque<>();
        private final List<Integer> worlds = new ArrayList<>();

        private Threads(Integer... available) {
            this.available.addAll(List.of(available));
        }

        @Override
        public int awaitRanks(int wanted, Duration wait) {
            return available.size() > 1 ? available.poll() : available.peek();
        }

        @Override
        public String describe() {
            return available.peek() + " threads";
        }

        @Override
        public <R extends Serializable> List<RankOutcome<R>> run(
                int worldSize, int attempt, RankBody<R> body, Consumer<TrainingStatus> progress) {
            worlds.add(worldSize);
            return LocalRanks.run(worldSize, attempt, body, progress);
        }
    }

    private static boolean powerOfTwo(int ranks) {
        return Integer.bitCount(ranks) == 1;
    }

    private static List<String> run(RankLauncher launcher, AttemptOptions options, RankBody<String> body) {
        return new AttemptLoop(launcher, options, AttemptLoopTest::powerOfTwo).run(body, status -> {});
    }

    @Test
    void whatTheRanksGiveBackIsReturned() {
        Threads threads = new Threads(4);
        assertThat(run(threads, FOUR, context -> context.rank() + "/" + context.worldSize()))
                .containsExactly("0/4", "1/4", "2/4", "3/4");
        assertThat(threads.worlds).containsExactly(4);
    }

    @Test
    void aLostResourceGivesAnotherAttemptOnFewerRanks() {
        Threads threads = new Threads(4, 3);
        List<String> values = run(threads, FOUR.withMinRanks(2), context -> {
            if (context.attempt() == 0 && context.rank() == 2) {
                throw new ResourceException("executor 2 lost");
            }
            return "attempt " + context.attempt();
        });
        assertThat(values).containsExactly("attempt 1", "attempt 1");
        assertThat(threads.worlds).containsExactly(4, 2);
    }

    @Test
    void theUsersMistakeEndsTheLoop() {
        Threads threads = new Threads(4);
        assertThatThrownBy(() -> run(threads, FOUR, context -> {
                    if (context.rank() == 3) {
                        throw new UserException("no such shard");
                    }
                    context.allGather("hello");
                    return "";
                }))
                .isInstanceOf(UserException.class)
                .hasMessage("no such shard")
                .cause()
                .hasMessageContaining("on rank 3")
                .hasMessageContaining("AttemptLoopTest");
        assertThat(threads.worlds).hasSize(1);
    }

    @Test
    void aDefectEndsTheLoop() {
        Threads threads = new Threads(4);
        assertThatThrownBy(() -> run(threads, FOUR, context -> {
                    throw new IllegalStateException("oops");
                }))
                .isInstanceOf(InternalException.class)
                .hasMessage("rank 0 met a defect: IllegalStateException: oops");
        assertThat(threads.worlds).hasSize(1);
    }

    @Test
    void theAttemptsAreLimited() {
        Threads threads = new Threads(4);
        assertThatThrownBy(() -> run(threads, FOUR, context -> {
                    throw new ResourceException("the disk is full");
                }))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("all 3 attempts failed, the last one because of: the disk is full");
        assertThat(threads.worlds).containsExactly(4, 4, 4);
    }

    @Test
    void tooFewExecutorsAreSaid() {
        assertThatThrownBy(() -> run(new Threads(3), FOUR, context -> ""))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("4 ranks were asked for, one an executor, but Spark has 3 threads");
        assertThatThrownBy(() -> run(new Threads(1), FOUR.withMinRanks(2), context -> ""))
                .hasMessageContaining("2 to 4 ranks were asked for");
    }

    @Test
    void aWorldThatIsNotLegalIsTheUsersMistake() {
        assertThatThrownBy(() -> run(new Threads(6), AttemptOptions.of(6), context -> ""))
                .isInstanceOf(UserException.class)
                .hasMessage("the work cannot be divided among ranks=6; set ranks to 4");
    }
}
