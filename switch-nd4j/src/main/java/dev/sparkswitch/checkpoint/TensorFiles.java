package dev.sparkswitch.checkpoint;

import dev.sparkswitch.base.UserException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Tensors that are spread over several files, as one store. Closing it closes the files. */
final class TensorFiles implements TensorStore {
    private final String where;
    private final List<SafetensorsReader> files;
    private final SortedMap<String, SafetensorsReader> homes = new TreeMap<>();
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();

    /**
     * @param where the folder, for messages
     * @param files the open files, which this store owns from now on
     * @throws UserException where two files hold a tensor of one name
     */
    TensorFiles(String where, Collection<SafetensorsReader> files) {
        this.where = where;
        this.files = List.copyOf(files);
        for (SafetensorsReader file : files) {
            for (TensorInfo info : file.tensors().values()) {
                SafetensorsReader other = homes.put(info.name(), file);
                if (other != null) {
                    throw new UserException("Tensor " + info.name() + " stands in both " + other + " and " + file
                            + ": remove the file that does not belong.");
                }
                tensors.put(info.name(), info);
            }
        }
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    @Override
    public void read(String name, long offset, ByteBuffer into) {
        info(name);
        homes.get(name).read(name, offset, into);
    }

    @Override
    public String toString() {
        return where;
    }

    @Override
    public void close() {
        RuntimeException failure = null;
        for (SafetensorsReader file : files) {
            try {
                file.close();
            } catch (RuntimeException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
