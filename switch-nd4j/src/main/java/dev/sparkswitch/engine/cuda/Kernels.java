package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import java.util.HashMap;
import java.util.Map;

/** The kernels of one module, compiled for the engine's compute type and loaded when first used. */
final class Kernels {
    private final Device device;
    private final String module;
    private final DType compute;
    private final Map<String, Kernel> loaded = new HashMap<>();

    Kernels(Device device, String module, DType compute) {
        this.device = device;
        this.module = module;
        this.compute = compute;
    }

    /** Starts the kernel of that name; arguments as {@link Arguments} takes them. */
    void launch(String name, Launch launch, Object... values) {
        if (launch.isEmpty()) {
            return;
        }
        Kernel kernel = loaded.get(name);
        if (kernel == null) {
            kernel = device.kernel(module, compute, name);
            loaded.put(name, kernel);
        }
        device.launch(kernel, launch, Arguments.of(values));
    }
}
