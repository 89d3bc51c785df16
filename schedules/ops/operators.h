// The operators, in this folder.
#pragma once

namespace halyard {

class Operator;

// Each lives as long as the program.
const Operator* GemmOperator();
const Operator* BatchGemmOperator();
const Operator* Conv2dOperator();
const Operator* SoftmaxOperator();
const Operator* AttentionOperator();

}  // namespace halyard
