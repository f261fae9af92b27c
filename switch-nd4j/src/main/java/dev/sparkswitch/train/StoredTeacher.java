package dev.sparkswitch.train;

import dev.sparkswitch.arrow.TokenBatch;
import dev.sparkswitch.arrow.TokenSource;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.SoftTargets;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.model.Batch;
import dev.sparkswitch.model.HostBatch;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A teacher whose likeliest answers were kept in a box of {@link SoftLabels}: it takes no memory of the engine's. */
public final class StoredTeacher implements Teacher {
    private final Engine engine;
    private final TokenSource labels;
    private final int choices;
    private final double temperature;

    /**
     * @param labels the box, closed with this
     * @param temperature that the probabilities are brought to
     */
    public StoredTeacher(Engine engine, TokenSource labels, double temperature) {
        this.engine = engine;
        this.labels = labels;
        this.choices = Integer.parseInt(labels.manifest().property(SoftLabels.CHOICES));
        this.temperature = temperature;
    }

    private record Told(SoftTargets.TopK targets) implements Lesson {
        @Override
        public void close() {
            targets.ids().close();
            targets.probabilities().close();
        }
    }

    @Override
    public Lesson teach(Batch batch, HostBatch host) {
        int positions = host.rows() * host.targetLength();
        ByteBuffer ids = direct(positions * choices * Integer.BYTES);
        DType type = engine.precision().master();
        ByteBuffer probabilities = direct(positions * choices * type.bytes());
        try (TokenBatch stored = labels.read(host.firstRow(), host.rows())) {
            int[] tokens = new int[positions * choices];
            int[] shares = new int[positions * choices];
            stored.inputs().get(tokens);
            stored.targets().get(shares);
            for (int position = 0; position < positions; position++) {
                int from = position * choices;
                boolean told = tokens[from] > 0;
                double[] values = SoftLabels.tempered(shares, from, choices, temperature);
                for (int i = 0; i < choices; i++) {
                    ids.putInt(told ? tokens[from + i] - 1 : i);
                    put(probabilities, type, told ? values[i] : 0);
                }
            }
        }
        Tensor idTensor = engine.allocate(DType.INT32, positions, choices);
        engine.upload(idTensor, ids.flip());
        Tensor probabilityTensor = engine.allocate(type, positions, choices);
        engine.upload(probabilityTensor, probabilities.flip());
        return new Told(new SoftTargets.TopK(idTensor, probabilityTensor));
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static void put(ByteBuffer buffer, DType type, double value) {
        if (type == DType.FLOAT64) {
            buffer.putDouble(value);
        } else {
            buffer.putFloat((float) value);
        }
    }

    @Override
    public void close() {
        labels.close();
    }
}
