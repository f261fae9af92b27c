package dev.sparkswitch.model;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A {@link HostBatch} in an engine's memory. */
public final class Batch implements AutoCloseable {
    private final HostBatch host;
    private final Tensor inputs;
    private final Tensor inputQuerySegments;
    private final Tensor inputKeySegments;
    private final Tensor inputRouted;
    private final Tensor decoderInputs;
    private final Tensor targetQuerySegments;
    private final Tensor targetKeySegments;
    private final Tensor targetRouted;
    private final Tensor targets;

    private Batch(Engine engine, HostBatch host) {
        this.host = host;
        this.inputs = upload(engine, host.inputs());
        this.inputQuerySegments = upload(engine, host.inputQuerySegments());
        this.inputKeySegments = upload(engine, host.inputKeySegments());
        this.inputRouted = upload(engine, host.inputRouted());
        this.decoderInputs = upload(engine, host.decoderInputs());
        this.targetQuerySegments = upload(engine, host.targetQuerySegments());
        this.targetKeySegments = upload(engine, host.targetKeySegments());
        this.targetRouted = upload(engine, host.targetRouted());
        this.targets = upload(engine, host.targets());
    }

    /** Copies a batch to the engine. */
    public static Batch upload(Engine engine, HostBatch host) {
        return new Batch(engine, host);
    }

    static Tensor upload(Engine engine, int[] values) {
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(values.length * Integer.BYTES).order(ByteOrder.nativeOrder());
        bytes.asIntBuffer().put(values);
        Tensor tensor = engine.allocate(DType.INT32, values.length);
        engine.upload(tensor, bytes);
        return tensor;
    }

    int rows() {
        return host.rows();
    }

    int inputLength() {
        return host.inputLength();
    }

    int targetLength() {
        return host.targetLength();
    }

    long firstRow() {
        return host.firstRow();
    }

    Tensor inputs() {
        return inputs;
    }

    Tensor inputQuerySegments() {
        return inputQuerySegments;
    }

    Tensor inputKeySegments() {
        return inputKeySegments;
    }

    Tensor inputRouted() {
        return inputRouted;
    }

    Tensor decoderInputs() {
        return decoderInputs;
    }

    Tensor targetQuerySegments() {
        return targetQuerySegments;
    }

    Tensor targetKeySegments() {
        return targetKeySegments;
    }

    Tensor targetRouted() {
        return targetRouted;
    }

    int[] hostInputKeySegments() {
        return host.inputKeySegments();
    }

    int[] hostTargets() {
        return host.targets();
    }

    Tensor targets() {
        return targets;
    }

    @Override
    public void close() {
        inputs.close();
        inputQuerySegments.close();
        inputKeySegments.close();
        inputRouted.close();
        decoderInputs.close();
        targetQuerySegments.close();
        targetKeySegments.close();
        targetRouted.close();
        targets.close();
    }
}
