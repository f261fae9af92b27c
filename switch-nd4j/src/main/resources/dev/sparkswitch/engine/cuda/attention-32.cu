// Attention on tensor cores for heads of up to 32 columns.

#ifdef COMPUTE_BF16
#include "attention-tiles.cuh"
#include "attention-forward.cuh"
#include "attention-query-gradient.cuh"
#include "attention-key-gradient.cuh"
#include "attention-query-sums.cuh"

extern "C" __global__ void __launch_bounds__(128) attention_forward(FORWARD_PARAMETERS) {
    forward<32, false, false>(FORWARD_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_forward_dropout(FORWARD_PARAMETERS) {
    forward<32, true, false>(FORWARD_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_forward_bias(FORWARD_PARAMETERS) {
    forward<32, false, true>(FORWARD_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_forward_bias_dropout(FORWARD_PARAMETERS) {
    forward<32, true, true>(FORWARD_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_query_gradient(QUERY_GRADIENT_PARAMETERS) {
    query_gradient<32, false, false>(QUERY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_query_gradient_dropout(QUERY_GRADIENT_PARAMETERS) {
    query_gradient<32, true, false>(QUERY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_query_gradient_bias(QUERY_GRADIENT_PARAMETERS) {
    query_gradient<32, false, true>(QUERY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_query_gradient_bias_dropout(QUERY_GRADIENT_PARAMETERS) {
    query_gradient<32, true, true>(QUERY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_key_gradient(KEY_GRADIENT_PARAMETERS) {
    key_gradient<32, false, false>(KEY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_key_gradient_dropout(KEY_GRADIENT_PARAMETERS) {
    key_gradient<32, true, false>(KEY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_key_gradient_bias(KEY_GRADIENT_PARAMETERS) {
    key_gradient<32, false, true>(KEY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128) attention_key_gradient_bias_dropout(KEY_GRADIENT_PARAMETERS) {
    key_gradient<32, true, true>(KEY_GRADIENT_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128, 3) attention_query_sums(QUERY_SUMS_PARAMETERS) {
    query_sums<32, false>(QUERY_SUMS_OPERANDS);
}

extern "C" __global__ void __launch_bounds__(128, 3) attention_query_sums_bias(QUERY_SUMS_PARAMETERS) {
    query_sums<32, true>(QUERY_SUMS_OPERANDS);
}

#endif
