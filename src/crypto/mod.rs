//! Every primitive behind one entry point each. No caller knows which backend ran.
