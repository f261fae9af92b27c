package dev.sparkswitch.cluster;

import dev.sparkswitch.train.RankOutcome;
import java.io.Serializable;
import java.nio.ByteBuffer;
import org.apache.spark.SparkEnv;
import scala.collection.Iterator;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/**
 * What a task sends to the driver: the outcome of its rank, by the serializer that Spark sends tasks with. The one that
 * is set for data ({@code spark.serializer}) may be Kryo, which cannot make records.
 */
final class OutcomeBytes<R extends Serializable> extends AbstractFunction1<Iterator<RankOutcome<R>>, byte[]>
        implements Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] apply(Iterator<RankOutcome<R>> outcomes) {
        ByteBuffer buffer =
                SparkEnv.get().closureSerializer().newInstance().serialize(outcomes.next(), OutcomeBytes.<R>tag());
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    /** The outcome in {@code bytes}, on the driver. */
    static <R extends Serializable> RankOutcome<R> parse(byte[] bytes) {
        return SparkEnv.get()
                .closureSerializer()
                .newInstance()
                .deserialize(
                        ByteBuffer.wrap(bytes), Thread.currentThread().getContextClassLoader(), OutcomeBytes.<R>tag());
    }

    private static <R extends Serializable> ClassTag<RankOutcome<R>> tag() {
        return ClassTag$.MODULE$.apply(RankOutcome.class);
    }
}
