package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.SizeTPointer;

/** The modules that a card has loaded, and their kernels. */
final class CudaModules implements AutoCloseable {
    private record Key(String module, DType compute) {}

    private final CudaCompiler compiler;
    private final Map<Key, CUmod_st> loaded = new HashMap<>();

    CudaModules(CudaCompiler compiler) {
        this.compiler = compiler;
    }

    /** A kernel on the card. */
    static final class Function implements Kernel {
        final CUfunc_st function;
        private final String file;
        private final String name;
        private boolean checked;
        private int shared;

        private Function(CUfunc_st function, String file, String name) {
            this.function = function;
            this.file = file;
            this.name = name;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public String toString() {
            return name + " in " + file;
        }

        /** Before a launch: the first time compares parameters, and a card wants to be told of much shared memory. */
        void prepare(Launch launch, Arguments arguments) {
            if (!checked) {
                compare(arguments);
                checked = true;
            }
            if (launch.sharedBytes() > shared) {
                Cuda.check(
                        cudart.cuFuncSetAttribute(
                                function, cudart.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, launch.sharedBytes()),
                        "cuFuncSetAttribute to " + launch.sharedBytes() + " bytes of shared memory",
                        this);
                // As much as there is: several blocks are to share a multiprocessor.
                Cuda.check(
                        cudart.cuFuncSetAttribute(
                                function,
                                cudart.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT,
                                cudart.CU_SHAREDMEM_CARVEOUT_MAX_SHARED),
                        "cuFuncSetAttribute of the shared memory's part",
                        this);
                shared = launch.sharedBytes();
            }
        }

        private void compare(Arguments arguments) {
            try (SizeTPointer offset = new SizeTPointer(1);
                    SizeTPointer size = new SizeTPointer(1)) {
                int count = 0;
                while (cudart.cuFuncGetParamInfo(function, count, offset, size) == 0) {
                    if (count >= arguments.count() || arguments.size(count) != size.get()) {
                        throw new InternalException(this + " does not take the arguments " + arguments.kinds()
                                + ": parameter " + count + " has " + size.get() + " bytes");
                    }
                    count++;
                }
                if (count != arguments.count()) {
                    throw new InternalException(this + " takes " + count + " parameters, not " + arguments.kinds());
                }
            }
        }
    }

    Function function(String module, DType compute, String name) {
        CUmod_st held = loaded.computeIfAbsent(new Key(module, compute), this::load);
        CUfunc_st function = new CUfunc_st();
        String file = module + ".cu";
        Cuda.check(cudart.cuModuleGetFunction(function, held, name), "cuModuleGetFunction", name + " in " + file);
        return new Function(function, file, name);
    }

    private CUmod_st load(Key key) {
        CudaCompiler.Binary binary = compiler.module(key.module(), key.compute());
        CUmod_st module = new CUmod_st();
        if (load(module, binary) != 0) {
            binary = compiler.again(key.module(), key.compute(), binary);
            Cuda.check(load(module, binary), "cuModuleLoadData", binary.file());
        }
        return module;
    }

    private static int load(CUmod_st module, CudaCompiler.Binary binary) {
        // One byte more: portable code is a text, which the driver reads up to its 0.
        try (BytePointer image = new BytePointer(binary.bytes().length + 1L)) {
            image.put(binary.bytes(), 0, binary.bytes().length).put(binary.bytes().length, (byte) 0);
            return cudart.cuModuleLoadData(module, image);
        }
    }

    @Override
    public void close() {
        loaded.values().forEach(cudart::cuModuleUnload);
        loaded.clear();
    }
}
