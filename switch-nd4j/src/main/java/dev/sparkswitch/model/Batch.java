package dev.sparkswitch.model;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/** A {@link HostBatch} in an engine's memory. */
public final class Batch implements AutoCloseable {
    /** Numbers between the beginnings of parts, a multiple: wide accesses find each part aligned. */
    private static final int ALIGNMENT = 64;

    private final HostBatch host;
    /** All parts side by side, so that one transfer brings them. */
    private final Tensor all;

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
        int[][] parts = {
            host.inputs(),
            host.inputQuerySegments(),
            host.inputKeySegments(),
            host.inputRouted(),
            host.decoderInputs(),
            host.targetQuerySegments(),
            host.targetKeySegments(),
            host.targetRouted(),
            host.targets()
        };
        this.all = upload(engine, sideBySide(parts));
        Iterator<Tensor> views = views(parts).iterator();
        this.inputs = views.next();
        this.inputQuerySegments = views.next();
        this.inputKeySegments = views.next();
        this.inputRouted = views.next();
        this.decoderInputs = views.next();
        this.targetQuerySegments = views.next();
        this.targetKeySegments = views.next();
        this.targetRouted = views.next();
        this.targets = views.next();
    }

    private static int room(int[] part) {
        return (part.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static int[] sideBySide(int[][] parts) {
        int[] all = new int[Arrays.stream(parts).mapToInt(Batch::room).sum()];
        int at = 0;
        for (int[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += room(part);
        }
        return all;
    }

    private List<Tensor> views(int[][] parts) {
        List<Tensor> views = new ArrayList<>();
        int at = 0;
        for (int[] part : parts) {
            views.add(all.slice(at, at + part.length));
            at += room(part);
        }
        return views;
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
        all.close();
    }
}
