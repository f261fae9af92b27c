package dev.sparkswitch.engine.cuda;

/** An operation of a device's one order of execution, which may be asked for again and again. */
sealed interface Call {
    /** Asks a device for it. */
    void start(Device device);

    /** Whether a graph that was made with the other takes this one in its place: nothing differs but a kernel's arguments. */
    default boolean fits(Call other) {
        return equals(other);
    }

    /** What tells a person of it. */
    default Object name() {
        return this;
    }

    /** A hash that is the same for calls that fit. */
    default int form() {
        return hashCode();
    }

    /** {@link Device#launch}. */
    record OfKernel(Kernel kernel, Launch launch, Arguments arguments) implements Call {
        @Override
        public void start(Device device) {
            device.launch(kernel, launch, arguments);
        }

        @Override
        public boolean fits(Call other) {
            return other instanceof OfKernel call && call.kernel == kernel && call.launch.equals(launch);
        }

        @Override
        public Object name() {
            return kernel;
        }

        @Override
        public int form() {
            return 31 * System.identityHashCode(kernel) + launch.hashCode();
        }
    }

    /** {@link Device#multiply}. */
    record OfProduct(Product product) implements Call {
        @Override
        public void start(Device device) {
            device.multiply(product);
        }

        @Override
        public Object name() {
            return product;
        }
    }

    /** {@link Device#copy}. */
    record OfCopy(long source, long target, long bytes) implements Call {
        @Override
        public void start(Device device) {
            device.copy(source, target, bytes);
        }
    }

    /** {@link Device#zero}. */
    record OfZeros(long target, long bytes) implements Call {
        @Override
        public void start(Device device) {
            device.zero(target, bytes);
        }
    }
}
