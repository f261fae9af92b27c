package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sparkswitch.base.InternalException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes safetensors files. The same tensors give the same bytes: wider types come first, so that every tensor is
 * aligned to its elements, and within a width names ascend. The metadata is {@code {"format": "pt"}}, without which
 * transformers refuses a file.
 */
public final class SafetensorsWriter {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SafetensorsWriter() {}

    /**
     * Writes {@code tensors} to {@code out}, which stays open. Tensors are asked for their bytes one after the other.
     *
     * @throws IOException where {@code out} or a tensor's content fails
     */
    public static void write(OutputStream out, Collection<TensorSource> tensors) throws IOException {
        List<TensorSource> inOrder = new ArrayList<>(tensors);
        inOrder.sort(Comparator.comparingInt(
                        (TensorSource tensor) -> -tensor.info().type().bytes())
                .thenComparing(tensor -> tensor.info().name()));
        out.write(header(inOrder));
        byte[] copy = new byte[1 << 17];
        for (TensorSource tensor : inOrder) {
            Copier copier = new Copier(out, copy);
            tensor.content().send(copier);
            if (copier.bytes != tensor.info().bytes()) {
                throw new InternalException("Tensor " + tensor.info().name() + " handed over " + copier.bytes
                        + " bytes instead of " + tensor.info().bytes() + ".");
            }
        }
    }

    private static byte[] header(List<TensorSource> tensors) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(text)) {
            json.writeStartObject();
            json.writeObjectFieldStart(SafetensorsHeader.METADATA);
            json.writeStringField("format", "pt");
            json.writeEndObject();
            long start = 0;
            Set<String> names = new HashSet<>();
            for (TensorSource tensor : tensors) {
                TensorInfo info = tensor.info();
                if (!names.add(info.name())) {
                    throw new InternalException("Tensor " + info.name() + " was handed over twice.");
                }
                json.writeObjectFieldStart(info.name());
                json.writeStringField("dtype", info.type().name());
                json.writeArrayFieldStart("shape");
                for (int length : info.shape()) {
                    json.writeNumber(length);
                }
                json.writeEndArray();
                json.writeArrayFieldStart("data_offsets");
                json.writeNumber(start);
                start += info.bytes();
                json.writeNumber(start);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        // Blanks fill the header so that the data begin at a multiple of eight bytes.
        byte[] padded = new byte[(text.size() + 7) / 8 * 8];
        Arrays.fill(padded, (byte) ' ');
        System.arraycopy(text.toByteArray(), 0, padded, 0, text.size());
        if (padded.length > SafetensorsHeader.MAXIMUM_BYTES) {
            throw new InternalException(tensors.size() + " tensors need a header of " + padded.length
                    + " bytes, more than readers accept: spread them over several files.");
        }
        return ByteBuffer.allocate(8 + padded.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(padded.length)
                .put(padded)
                .array();
    }

    /** Copies to a stream, from buffers that may have no array. */
    private static final class Copier implements TensorSource.Sink {
        private final OutputStream out;
        private final byte[] copy;
        private long bytes;

        Copier(OutputStream out, byte[] copy) {
            this.out = out;
            this.copy = copy;
        }

        @Override
        public void accept(ByteBuffer piece) throws IOException {
            bytes += piece.remaining();
            ByteBuffer from = piece.duplicate();
            while (from.hasRemaining()) {
                int length = Math.min(copy.length, from.remaining());
                from.get(copy, 0, length);
                out.write(copy, 0, length);
            }
        }
    }
}
