// The emulated card for Java: memory with guarded ends, modules of kernels, and matrix products by plain loops.

#include <dlfcn.h>
#include <jni.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

// Bytes before and after a block that nobody may write. They read as NaN.
constexpr std::size_t GUARD = 4096;
constexpr unsigned char PATTERN = 0xff;

std::map<std::uintptr_t, std::size_t> blocks;

bool intact(const unsigned char* guard) {
    for (std::size_t i = 0; i < GUARD; i++) {
        if (guard[i] != PATTERN) {
            return false;
        }
    }
    return true;
}

// The first block beside which somebody has written, or empty.
std::string overrun() {
    for (const auto& block : blocks) {
        auto* start = reinterpret_cast<unsigned char*>(block.first);
        for (int end = 0; end < 2; end++) {
            unsigned char* guard = end == 0 ? start - GUARD : start + block.second;
            if (!intact(guard)) {
                std::memset(guard, PATTERN, GUARD);
                return std::string("a write ") + (end == 0 ? "before the start" : "beyond the end") + " of a block of " +
                       std::to_string(block.second) + " bytes";
            }
        }
    }
    return "";
}

float load(const void* base, long long i, bool half) {
    if (!half) {
        return static_cast<const float*>(base)[i];
    }
    std::uint32_t bits = static_cast<std::uint32_t>(static_cast<const std::uint16_t*>(base)[i]) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

void store(void* base, long long i, bool half, float x) {
    if (!half) {
        static_cast<float*>(base)[i] = x;
        return;
    }
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    static_cast<std::uint16_t*>(base)[i] =
        static_cast<std::uint16_t>(x != x ? 0x7fff : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

typedef const char* (*Kinds)(const char*);
typedef const char* (*LaunchKernel)(const char*, int, int, int, int, int, void* const*);

std::string text(JNIEnv* env, jstring string) {
    const char* chars = env->GetStringUTFChars(string, nullptr);
    std::string result = chars;
    env->ReleaseStringUTFChars(string, chars);
    return result;
}

}  // namespace

#define NATIVE(type, name) extern "C" JNIEXPORT type JNICALL Java_dev_sparkswitch_engine_cuda_SimtHost_##name

NATIVE(jlong, allocate)(JNIEnv*, jclass, jlong bytes) {
    auto size = static_cast<std::size_t>(bytes);
    void* raw = std::aligned_alloc(4096, (size + 2 * GUARD + 4095) / 4096 * 4096);
    if (raw == nullptr) {
        return 0;
    }
    std::memset(raw, PATTERN, size + 2 * GUARD);
    auto start = reinterpret_cast<std::uintptr_t>(raw) + GUARD;
    blocks[start] = size;
    return static_cast<jlong>(start);
}

NATIVE(void, free)(JNIEnv*, jclass, jlong address) {
    blocks.erase(static_cast<std::uintptr_t>(address));
    std::free(reinterpret_cast<void*>(address - static_cast<jlong>(GUARD)));
}

NATIVE(jlong, address)(JNIEnv* env, jclass, jobject buffer) {
    return reinterpret_cast<jlong>(env->GetDirectBufferAddress(buffer));
}

NATIVE(void, copy)(JNIEnv*, jclass, jlong source, jlong target, jlong bytes) {
    std::memmove(reinterpret_cast<void*>(target), reinterpret_cast<void*>(source), static_cast<std::size_t>(bytes));
}

NATIVE(void, zero)(JNIEnv*, jclass, jlong target, jlong bytes) {
    std::memset(reinterpret_cast<void*>(target), 0, static_cast<std::size_t>(bytes));
}

NATIVE(jlong, open)(JNIEnv*, jclass, jlong path) {
    // Every guard page is a mapping of its own, of which a process may have some ten thousands: modules share the stacks.
    static char* stacks = nullptr;
    void* module = dlopen(reinterpret_cast<const char*>(path), RTLD_NOW | RTLD_LOCAL);
    if (module != nullptr) {
        stacks = reinterpret_cast<char* (*)(char*)>(dlsym(module, "simt_share_stacks"))(stacks);
    }
    return reinterpret_cast<jlong>(module);
}

NATIVE(jstring, kinds)(JNIEnv* env, jclass, jlong module, jstring name) {
    auto kinds = reinterpret_cast<Kinds>(dlsym(reinterpret_cast<void*>(module), "simt_kinds"));
    const char* found = kinds(text(env, name).c_str());
    return found == nullptr ? nullptr : env->NewStringUTF(found);
}

// The error's text, or null.
NATIVE(jstring, launch)
(JNIEnv* env, jclass, jlong module, jstring name, jint x, jint y, jint z, jint threads, jint shared, jlong bytes,
 jintArray offsets) {
    auto launch = reinterpret_cast<LaunchKernel>(dlsym(reinterpret_cast<void*>(module), "simt_launch"));
    jsize count = env->GetArrayLength(offsets);
    std::vector<jint> starts(static_cast<std::size_t>(count));
    env->GetIntArrayRegion(offsets, 0, count, starts.data());
    std::vector<void*> arguments;
    for (jint start : starts) {
        arguments.push_back(reinterpret_cast<char*>(bytes) + start);
    }
    const char* error = launch(text(env, name).c_str(), x, y, z, threads, shared, arguments.data());
    std::string message = error == nullptr ? overrun() : error;
    return message.empty() ? nullptr : env->NewStringUTF(message.c_str());
}

// One operand: address, row stride, batch stride, whether bfloat16, whether turned.
struct Operand {
    char* base;
    long long row, batch;
    bool half, turned;

    long long at(long long entry, long long i, long long j) const {
        return entry * batch + (turned ? j * row + i : i * row + j);
    }
};

NATIVE(void, multiply)
(JNIEnv* env, jclass, jint m, jint n, jint k, jdouble alpha, jdouble beta, jint count, jlongArray operands) {
    jlong raw[15];
    env->GetLongArrayRegion(operands, 0, 15, raw);
    Operand o[3];
    for (int i = 0; i < 3; i++) {
        o[i] = {reinterpret_cast<char*>(raw[5 * i]), raw[5 * i + 1], raw[5 * i + 2], raw[5 * i + 3] != 0, raw[5 * i + 4] != 0};
    }
    std::vector<float> left(static_cast<std::size_t>(m) * k), right(static_cast<std::size_t>(n) * k);
    for (long long entry = 0; entry < count; entry++) {
        for (long long i = 0; i < m; i++) {
            for (long long p = 0; p < k; p++) {
                left[static_cast<std::size_t>(i * k + p)] = load(o[0].base, o[0].at(entry, i, p), o[0].half);
            }
        }
        for (long long j = 0; j < n; j++) {
            for (long long p = 0; p < k; p++) {
                right[static_cast<std::size_t>(j * k + p)] = load(o[1].base, o[1].at(entry, p, j), o[1].half);
            }
        }
        for (long long i = 0; i < m; i++) {
            for (long long j = 0; j < n; j++) {
                float sum = 0;
                for (long long p = 0; p < k; p++) {
                    sum += left[static_cast<std::size_t>(i * k + p)] * right[static_cast<std::size_t>(j * k + p)];
                }
                long long at = o[2].at(entry, i, j);
                float result = static_cast<float>(alpha) * sum;
                if (beta != 0) {
                    result += static_cast<float>(beta) * load(o[2].base, at, o[2].half);
                }
                store(o[2].base, at, o[2].half, result);
            }
        }
    }
}
