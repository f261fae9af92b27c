package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudart.CUuuid;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A card, through CUDA's driver: one stream, and others beside it; its own modules and products. */
final class CudaDevice implements Device {
    /** Bytes of {@link #link}: a card's unique number. */
    static final int LINK_BYTES = 16;

    private static final Logger LOG = LoggerFactory.getLogger(CudaDevice.class);
    private static final int NAME_BYTES = 256;
    /** For other cards to end what they write here: their watches look several times a second. */
    private static final Duration MOST_SHARED = Duration.ofSeconds(15);

    private static final double GIB = 1L << 30;

    private final int card;
    private final String description;
    private final int multiprocessors;
    private final int sharedBytes;
    private final CUctx_st context = new CUctx_st();
    private final CUstream_st stream = new CUstream_st();
    private final SideStream exchanges;
    private final SideStream asides;
    /** Where kernels are started: the stream, or beside it. */
    private CUstream_st current = stream;

    private final SharedBlocks shared = new SharedBlocks();
    private final CardAccess access = new CardAccess();
    private final CudaStaging staging;
    private final CudaModules modules;
    private final CublasLt products;
    private final long workspace;
    private final Trail trail = new Trail();
    private CudaProfile profile;

    private final CudaLauncher launcher;
    /** Whether the driver has refused to make a graph, which it will again. */
    private boolean refusesGraphs;

    /**
     * Opens a card.
     *
     * @param card its number, from 0
     * @throws ResourceException where libraries, driver or cards are missing or too old
     * @throws UserException where there are cards, but fewer
     */
    CudaDevice(int card) {
        Cuda.start();
        int[] count = new int[1];
        Cuda.check(cudart.cuDeviceGetCount(count), "cuDeviceGetCount", "the driver");
        CudaRequirements.number(card, count[0]);
        int[] device = new int[1];
        Cuda.check(cudart.cuDeviceGet(device, card), "cuDeviceGet", "card " + card);
        this.card = device[0];
        byte[] name = new byte[NAME_BYTES];
        Cuda.check(cudart.cuDeviceGetName(name, NAME_BYTES, this.card), "cuDeviceGetName", "card " + card);
        this.description = new String(name, StandardCharsets.US_ASCII).trim();
        int capability = 10 * attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(cudart.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        CudaRequirements.card(description, capability);
        this.multiprocessors = attribute(cudart.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        this.sharedBytes = attribute(cudart.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
        Cuda.check(cudart.cuDevicePrimaryCtxRetain(context, this.card), "cuDevicePrimaryCtxRetain", this.description);
        use();
        Preference.MIDDLE.create(stream);
        this.exchanges = new SideStream(stream, Preference.FIRST);
        this.asides = new SideStream(stream, Preference.LAST);
        this.workspace = allocate(CublasLt.WORKSPACE_BYTES);
        if (workspace == 0) {
            throw new ResourceException(String.format(
                    "%s has only %.2f GiB free: end other programs on the card", description, freeBytes() / GIB));
        }
        this.launcher = new CudaLauncher();
        this.staging = new CudaStaging(stream);
        this.modules = new CudaModules(new CudaCompiler(capability));
        this.products = new CublasLt(stream, workspace, keptAlgorithms());
    }

    /** Choices hold for cards of one kind and one version of the library. */
    private Optional<KeptAlgorithms> keptAlgorithms() {
        if (!Switches.isOn(Switches.PRODUCT_TIMES)) {
            return Optional.empty();
        }
        String machine = description + ", " + multiprocessors + " multiprocessors, cuBLASLt " + CublasLt.version();
        return Optional.of(new KeptAlgorithms(CudaCompiler.folder(), machine));
    }

    private int attribute(int attribute) {
        int[] value = new int[1];
        Cuda.check(cudart.cuDeviceGetAttribute(value, attribute, card), "cuDeviceGetAttribute", description);
        return value[0];
    }

    /** The driver knows a context by thread, and an engine may move between threads. */
    private void use() {
        Cuda.check(cudart.cuCtxSetCurrent(context), "cuCtxSetCurrent", description);
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public int multiprocessors() {
        return multiprocessors;
    }

    @Override
    public int sharedMemoryPerBlock() {
        return sharedBytes;
    }

    @Override
    public boolean runsBlocksTogether() {
        return true;
    }

    @Override
    public long freeBytes() {
        use();
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            Cuda.check(cudart.cuMemGetInfo(free, total), "cuMemGetInfo", description);
            return free.get();
        }
    }

    @Override
    public long allocate(long bytes) {
        use();
        long[] address = new long[1];
        int status = cudart.cuMemAlloc(address, bytes);
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            return 0;
        }
        Cuda.check(status, "cuMemAlloc", bytes + " bytes");
        return address[0];
    }

    @Override
    public long allocateShared(long bytes) {
        long address = allocate(bytes);
        if (address != 0) {
            shared.add(address, bytes);
        }
        return address;
    }

    @Override
    public boolean stopSharing() {
        boolean alone = access.close(MOST_SHARED);
        if (!alone) {
            LOG.warn(
                    "what this process holds of {} stays until its end: exchanges between cards do not end",
                    description);
        }
        return alone;
    }

    /** Whatever goes wrong here tells of an earlier fault, which has been told of. */
    @Override
    public void free(long address) {
        use();
        cudart.cuMemFree(address);
    }

    @Override
    public void upload(long target, ByteBuffer source) {
        use();
        staging.upload(target, source);
    }

    @Override
    public void download(long source, ByteBuffer target) {
        use();
        try {
            staging.download(source, target);
        } catch (InternalException e) {
            throw trail.explain(e);
        }
    }

    @Override
    public Supplier<ByteBuffer> read(long source, int bytes) {
        use();
        Supplier<ByteBuffer> contents = staging.read(source, bytes);
        return () -> {
            use();
            try {
                return contents.get();
            } catch (InternalException e) {
                throw trail.explain(e);
            }
        };
    }

    @Override
    public void startDownload(long source, ByteBuffer target) {
        use();
        try {
            staging.startDownload(source, target);
        } catch (InternalException e) {
            throw trail.explain(e);
        }
    }

    @Override
    public void keepResident(ByteBuffer buffer) {
        use();
        staging.keepResident(buffer);
    }

    @Override
    public void copy(long source, long target, long bytes) {
        use();
        begin("copy");
        Cuda.check(cudart.cuMemcpyDtoDAsync(target, source, bytes, stream), "cuMemcpyDtoDAsync", bytes + " bytes");
        end();
    }

    @Override
    public void zero(long target, long bytes) {
        use();
        begin("zero");
        Cuda.check(cudart.cuMemsetD8Async(target, (byte) 0, bytes, stream), "cuMemsetD8Async", bytes + " bytes");
        end();
    }

    @Override
    public Kernel kernel(String module, DType compute, String name) {
        use();
        return modules.function(module, compute, name);
    }

    @Override
    public void launch(Kernel kernel, Launch launch, Arguments given) {
        use();
        CudaModules.Function function = (CudaModules.Function) kernel;
        function.prepare(launch, given);
        begin(kernel.name());
        launcher.launch(function, launch, given, current);
        trail.add(kernel);
        end();
    }

    @Override
    public Optional<Graph> graph(List<Call> calls) {
        use();
        if (refusesGraphs) {
            return Optional.empty();
        }
        try {
            return Optional.of(new CudaGraph(this, this::use, stream, launcher, trail, calls));
        } catch (InternalException e) {
            refusesGraphs = true;
            LOG.warn("operations are started one by one: {}", e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public boolean isIdle() {
        use();
        return cudart.cuStreamQuery(stream) == cudart.CUDA_SUCCESS && exchanges.isIdle();
    }

    private record Event(CUevent_st event) implements Point {}

    @Override
    public void mark() {
        use();
        asides.followEngine();
    }

    @Override
    public Point beside(Runnable launches) {
        use();
        current = asides.stream();
        try {
            launches.run();
        } finally {
            current = stream;
        }
        return new Event(asides.end());
    }

    @Override
    public void follow(Point end) {
        use();
        asides.leadEngine(((Event) end).event());
    }

    @Override
    public void multiply(Product product) {
        use();
        if (profile != null) {
            begin("product " + product);
        }
        products.multiply(product);
        trail.add(product);
        end();
    }

    @Override
    public void synchronize() {
        use();
        try {
            Cuda.check(cudart.cuStreamSynchronize(stream), "cuStreamSynchronize", description);
        } catch (InternalException e) {
            throw trail.explain(e);
        }
    }

    @Override
    public Moment moment() {
        use();
        return new CudaMoment(stream);
    }

    @Override
    public Optional<byte[]> link() {
        Optional<String> missing = Nccl.missing();
        if (missing.isPresent()) {
            LOG.info("cards exchange by way of the host: {}", missing.get());
            return Optional.empty();
        }
        try (CUuuid uuid = new CUuuid()) {
            Cuda.check(cudart.cuDeviceGetUuid(uuid, card), "cuDeviceGetUuid", description);
            byte[] bytes = new byte[LINK_BYTES];
            uuid.bytes().get(bytes);
            return Optional.of(bytes);
        }
    }

    @Override
    public byte[] newGroup() {
        return Nccl.newGroup();
    }

    @Override
    public CardGroup join(byte[] id, int index, int size) {
        return new NcclGroup(new CardMember(context, card, shared, access), exchanges, id, index, size);
    }

    @Override
    public Moment exchangeMoment() {
        use();
        return exchanges.moment();
    }

    private void begin(String operation) {
        if (profile != null && current == stream) {
            profile.begin(operation);
        }
    }

    private void end() {
        if (profile != null && current == stream) {
            profile.end();
        }
    }

    @Override
    public void startProfile() {
        synchronize();
        profile = new CudaProfile(stream);
    }

    @Override
    public Map<String, OperationTime> endProfile() {
        synchronize();
        Map<String, OperationTime> times = profile.times();
        profile = null;
        return times;
    }

    @Override
    public void close() {
        use();
        cudart.cuStreamSynchronize(stream);
        exchanges.close();
        asides.close();
        products.close();
        modules.close();
        staging.close();
        free(workspace);
        cudart.cuStreamDestroy(stream);
        cudart.cuDevicePrimaryCtxRelease(card);
        launcher.close();
    }
}
