package dev.sparkswitch.cluster;

import dev.sparkswitch.train.RankBody;
import dev.sparkswitch.train.RankOutcome;
import java.io.Serializable;
import org.apache.spark.BarrierTaskContext;
import scala.collection.Iterator;
import scala.collection.Iterator$;
import scala.runtime.AbstractFunction1;

/**
 * The task that is a rank. A failure is its result and no failure of the task, so that it reaches the driver as it
 * happened instead of as a text in Spark's own exception.
 */
final class RankTask<R extends Serializable> extends AbstractFunction1<Iterator<Integer>, Iterator<RankOutcome<R>>>
        implements Serializable {
    private static final long serialVersionUID = 1L;

    private final RankBody<R> body;
    private final int attempt;
    private final byte[] secret;
    private final StatusAccumulator status;

    RankTask(RankBody<R> body, int attempt, byte[] secret, StatusAccumulator status) {
        this.body = body;
        this.attempt = attempt;
        this.secret = secret;
        this.status = status;
    }

    @Override
    public Iterator<RankOutcome<R>> apply(Iterator<Integer> partition) {
        BarrierTaskContext task = BarrierTaskContext.get();
        RankOutcome<R> outcome = run(task);
        // A task that Spark wants to end must end as a killed one.
        task.killTaskIfInterrupted();
        return Iterator$.MODULE$.single(outcome);
    }

    private RankOutcome<R> run(BarrierTaskContext task) {
        int rank = task.partitionId();
        try {
            return new RankOutcome.Success<>(rank, body.run(new BarrierRankContext(task, attempt, secret, status)));
        } catch (Exception | Error e) {
            return RankOutcome.failure(rank, e);
        }
    }
}
