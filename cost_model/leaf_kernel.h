// Fits a tree ensemble to a few measurements of a task it has not seen.
//
// Gaussian process regression of what the ensemble gets wrong, a member at a time, with the kernel
// that its own trees define: two configs are as alike as the share of trees in which they end in
// the same leaf (Davies and Ghahramani, "The random forest kernel and other kernels for big data
// from random partitions", 2014). So what one measurement teaches goes to the configs that the base
// model tells from it the least. The posterior mean of such a process is again the sum of a value a
// leaf (Rasmussen and Williams, "Gaussian processes for machine learning", 2006, section 2.2):
// adapting changes leaf values, and predictions cost what they did before. Members that were taught
// the same agree on it, so their spread falls where measurements are.
#pragma once

#include <span>

#include "cost_model/tree_ensemble.h"

namespace halyard {

// `ensemble` with leaf values such that its predictions come near to `targets`, of which only
// differences count. `weights`: how far each target is to be believed; empty: all alike. How much
// of the targets is noise is what makes them most likely, for each member. Linear in the trees and
// cubic in the rows: some milliseconds for 100 rows and 400 trees. REQUIRES: as many targets as
// rows, ensemble.columns() columns, no or as many positive weights.
TreeEnsemble AdaptLeaves(const TreeEnsemble& ensemble, const FeatureMatrix& features,
                         std::span<const float> targets, std::span<const float> weights);

}  // namespace halyard
