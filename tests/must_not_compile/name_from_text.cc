// Text becomes a name only by saying so.
// expect: conversion from|could not convert|no viable conversion
#include "base/quantity.h"

mien::PoolName make(const std::string& text) {
#ifdef MISTAKE
  return text;
#else
  return mien::PoolName{text};
#endif
}
